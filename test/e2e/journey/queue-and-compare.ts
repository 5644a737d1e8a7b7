/**
 * @file Two runs lined up behind one at work, put into another order, run one after the other, and compared.
 */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../support/stage.ts';

const WAIT_MS = 300_000;

/** Begins on the page of the finished run "By keys"; leaves it stopped, and "Second" and "Third" finished. */
export function playQueueAndCompare(stage: Stage): void {
  describe('the queue', () => {
    it('takes runs in while another trains further', { timeout: WAIT_MS }, async () => {
      const { page } = stage;
      await page.getByRole('button', { name: 'Train further' }).click();
      await page.getByRole('textbox', { name: 'More rounds' }).fill('900');
      await page.keyboard.press('Tab');
      await page.getByRole('button', { name: /^Train 900 rounds more/ }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: WAIT_MS });
      await lineUp(page, 'Second', '8');
      await openRun(page, 'By keys');
      await lineUp(page, 'Third', '6');
    });

    it('is put into another order', async () => {
      const { page } = stage;
      const names = () =>
        page
          .getByRole('listitem')
          .filter({ hasText: 'Waiting' })
          .getByText(/^(Second|Third)$/)
          .allInnerTexts();
      await expect.poll(names).toEqual(['Second', 'Third']);
      await page.getByRole('button', { name: 'Move Third up' }).click();
      await expect.poll(names).toEqual(['Third', 'Second']);
    });

    it('runs them in that order when the machine is free', { timeout: 2 * WAIT_MS }, async () => {
      const { page } = stage;
      await openRun(page, 'By keys');
      await page.getByRole('button', { name: 'Stop and keep' }).click();
      await page.getByText('Stopped').first().waitFor({ timeout: WAIT_MS });
      await page.getByRole('link', { name: 'Queue', exact: true }).click();
      const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });
      await row('Third')
        .getByText(/Training|Finished/)
        .waitFor({ timeout: WAIT_MS });
      expect(await row('Second').getByText('Waiting').count()).toBe(1);
      await row('Second').getByText('Finished').waitFor({ timeout: WAIT_MS });
      expect(await row('Third').getByText('Finished').count()).toBe(1);
    });
  });

  describe('two runs', () => {
    it('are compared: curves, settings that differ, results', async () => {
      const { page } = stage;
      await page.getByRole('link', { name: 'Runs', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Choose Second' }).check();
      await page.getByRole('checkbox', { name: 'Choose Third' }).check();
      await page.getByRole('button', { name: 'Compare 2' }).click();
      await page.getByRole('heading', { name: 'Compare', exact: true }).waitFor();
      const differing = page.getByRole('row', { name: /training\.max_steps/ });
      await expect.poll(() => differing.getByRole('cell').allInnerTexts()).toEqual(expect.arrayContaining(['8', '6']));
      expect(await page.getByRole('row', { name: /peft\.r\b/ }).count()).toBe(0);
      await page.getByText('Training loss, smoothed').first().waitFor();
    });
  });
}

/** A run like the one on the page, of so many steps, put into the queue. Leaves the queue on the screen. */
async function lineUp(page: Page, name: string, steps: string): Promise<void> {
  await page.getByRole('button', { name: 'More actions for this run' }).click();
  await page.getByRole('menuitem', { name: 'Set up a new run like this' }).click();
  await page.getByRole('heading', { name: 'Your data' }).waitFor();
  const stepList = page.getByRole('navigation', { name: 'Steps' });
  await stepList.getByRole('link', { name: /How to train/ }).click();
  const field = page.getByRole('textbox', { name: /Stop after this many steps/ });
  await field.fill(steps);
  await field.press('Tab');
  await stepList.getByRole('link', { name: /Run/ }).click();
  await page.getByRole('textbox', { name: 'Name of the run' }).fill(name);
  await page.getByRole('button', { name: 'Add to the queue' }).click();
  await page.getByRole('heading', { name: 'Queue', exact: true }).waitFor({ timeout: WAIT_MS });
}

async function openRun(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('table').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name }).waitFor();
}
