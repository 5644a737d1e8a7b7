/**
 * @file From an empty app to a model that has learned, tried and exported: the sample task, with the real engine.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../support/stage.ts';

const LEARNING_MS = 600_000;
const QUESTION = 'I want to buy 1 orange heater for a friend. We live in Lisbon.';
const ANSWER = 'intent: order | item: orange heater | qty: 1 | city: Lisbon';

/** Leaves a finished run named Sample. */
export function playFirstMinutes(stage: Stage): void {
  describe('the first minutes', () => {
    it('offer the sample, and say what engine was found', async () => {
      await stage.page.getByRole('button', { name: /See it learn/ }).waitFor();
      await stage.page.getByText(/Found on this machine: TensorFlow/).waitFor({ timeout: 180_000 });
    });

    it('learn, and a reload in the midst loses nothing', { timeout: LEARNING_MS }, async () => {
      const { page } = stage;
      await page.getByRole('button', { name: /See it learn/ }).click();
      await page.getByText(/Step \d+ of \d+/).waitFor({ timeout: 600_000 });
      await page.getByRole('link', { name: /Open the run at work/ }).waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      await page.getByText(/Step \d+ of \d+/).waitFor();
      await page.getByRole('heading', { name: 'What it learned' }).waitFor({ timeout: LEARNING_MS });
      await page.getByText('as wanted').first().waitFor();
    });

    it('answer as base and as tuned model', { timeout: 600_000 }, async () => {
      const { page } = stage;
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText('Ready').nth(1).waitFor({ timeout: 180_000 });
      await page.getByLabel('Your message').fill(QUESTION);
      await page.keyboard.press('Enter');
      await page
        .getByText(/ended by itself|cut at the longest/)
        .nth(1)
        .waitFor({ timeout: 180_000 });
      await expect.poll(() => page.getByRole('article', { name: 'Tuned' }).innerText()).toContain(ANSWER);
      expect(await page.getByRole('article', { name: 'Base' }).innerText()).not.toContain('intent:');
    });

    it('export an adapter', { timeout: 600_000 }, async () => {
      const { page, home } = stage;
      await page.goBack();
      await page.getByRole('button', { name: 'Export', exact: true }).first().click();
      await page.getByRole('button', { name: 'Write it' }).click();
      await page.getByText(/Written, /).waitFor({ timeout: 180_000 });
      const dir = await page
        .locator('code', { hasText: path.join(home, 'exports') })
        .first()
        .innerText();
      expect(existsSync(path.join(dir, 'adapter_model.safetensors'))).toBe(true);
      expect(existsSync(path.join(dir, 'adapter_config.json'))).toBe(true);
      await page.getByText('It answers as the run does').first().waitFor();
      await page.getByText('100 % of').or(page.getByText('100% of')).first().waitFor();
      await page.getByText('Files', { exact: true }).first().click();
      await page.getByText('adapter_model.safetensors').first().waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      // It is no message that is gone: the run keeps it.
      await page.getByText('Exports', { exact: true }).click();
      await page.getByText('answers the same').first().waitFor();
    });
  });
}
