/**
 * @file Ends in mid-run that nobody wished for, of core and of everything: the run is offered for resuming, and finishes.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../support/stage.ts';

const LEARNING_MS = 600_000;

/** Begins with the run "By keys" at work; leaves it finished. */
export function playPowerCut(stage: Stage): void {
  describe('a crash of core', () => {
    it('leaves a run that has saved its work, and is offered', { timeout: LEARNING_MS }, async () => {
      await stage.page.getByRole('button', { name: 'Pause' }).waitFor();
      stage.app.killCore();
      if (!stage.app.mendsCore) {
        await stage.app.kill();
        await stage.reopen();
      }
      const { page } = stage;
      await page.getByRole('link', { name: 'Runs', exact: true }).click();
      await page.getByText('By keys was cut off').waitFor({ timeout: 180_000 });
      await page.getByText(/its work is saved. Resuming takes/).waitFor();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page
        .getByText(/Step \d+ of/)
        .first()
        .waitFor({ timeout: 180_000 });
    });
  });

  describe('a power cut', () => {
    it('leaves a run that is offered, goes on where it was, and finishes', { timeout: 2 * LEARNING_MS }, async () => {
      await stage.page.getByRole('button', { name: 'Pause' }).waitFor();
      const before = countResults(stage.home);
      await stage.app.kill();
      const page = await stage.reopen();
      await page.getByText('By keys was cut off').waitFor({ timeout: 180_000 });
      await page.getByText(/its work is saved. Resuming takes/).waitFor();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('heading', { name: 'What it learned' }).waitFor({ timeout: LEARNING_MS });
      await page.getByText('Finished').first().waitFor({ timeout: LEARNING_MS });
      expect(countResults(stage.home)).toBe(before + 1);
    });
  });
}

/** Runs whose folder holds what was learned. */
function countResults(home: string): number {
  const runs = path.join(home, 'runs');
  return readdirSync(runs).filter((run) => existsSync(path.join(runs, run, 'adapter', 'adapter_model.safetensors')))
    .length;
}
