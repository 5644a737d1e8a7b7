/**
 * @file A history that is kept in order: searched, tagged, filtered, renamed, sorted, thrown away, taken back, deleted for good.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../support/stage.ts';

/** Begins with the runs Sample, By keys, Second and Third, none at work; deletes Third. */
export function playHistory(stage: Stage): void {
  describe('the history', () => {
    it('is searched', async () => {
      const { page } = stage;
      await page.getByRole('link', { name: 'Runs', exact: true }).click();
      const search = page.getByRole('searchbox', { name: 'Search runs' });
      await search.fill('second');
      await expect.poll(() => listed(page)).toEqual(['Second']);
      await search.fill('questions third');
      await expect.poll(() => listed(page)).toEqual(['Third']);
      await search.fill('nothing like it');
      await page.getByText('No run fits').waitFor();
      await page.getByRole('button', { name: 'Show all runs' }).click();
      await expect.poll(() => listed(page)).toEqual(['Second', 'Third', 'By keys', 'Sample'].sort());
    });

    it('keeps tags, notes and new names', async () => {
      const { page } = stage;
      await page.getByRole('table').getByRole('link', { name: 'Second', exact: true }).click();
      await page.getByRole('textbox', { name: 'Add a tag' }).fill('keep');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Remove the tag keep' }).waitFor();
      await page.getByRole('textbox', { name: 'Notes' }).fill('better than the one before');
      await page.getByRole('region', { name: 'Notes and tags' }).getByText('Saved').waitFor();
      await page.getByRole('button', { name: 'Change the name' }).click();
      await page.getByRole('textbox', { name: 'Name of the run' }).fill('Zweiter, »größer«');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Zweiter, »größer«' }).waitFor();
      await page.getByRole('link', { name: 'Runs', exact: true }).click();
      await page.getByRole('group', { name: 'Only with these tags' }).getByRole('button', { name: /keep/ }).click();
      await expect.poll(() => listed(page)).toEqual(['Zweiter, »größer«']);
      await page.getByRole('group', { name: 'Only with these tags' }).getByRole('button', { name: /keep/ }).click();
      await page.getByRole('searchbox', { name: 'Search runs' }).fill('better größer');
      await expect.poll(() => listed(page)).toEqual(['Zweiter, »größer«']);
      await page.getByRole('searchbox', { name: 'Search runs' }).fill('');
    });

    it('throws away, takes back, and deletes for good', { timeout: 180_000 }, async () => {
      const { page, home } = stage;
      const before = readdirSync(path.join(home, 'runs')).length;
      const trash = async () => {
        await page.getByRole('button', { name: 'Actions for Third' }).click();
        await page.getByRole('menuitem', { name: 'Move to trash' }).click();
        await expect.poll(() => listed(page)).not.toContain('Third');
      };
      await trash();
      await page.getByRole('button', { name: 'Undo' }).click();
      await expect.poll(() => listed(page)).toContain('Third');
      await trash();
      await page.getByRole('button', { name: 'Trash', exact: true }).click();
      await expect.poll(() => listed(page)).toEqual(['Third']);
      await page.getByRole('button', { name: 'Actions for Third' }).click();
      await page.getByRole('menuitem', { name: 'Delete for good' }).click();
      await page.getByText(/are deleted, [\d.]+ [kM]?B in all/).waitFor();
      await page.getByRole('alertdialog').getByRole('button', { name: 'Delete for good' }).click();
      await page.getByText('The trash is empty').waitFor();
      expect(readdirSync(path.join(home, 'runs'))).toHaveLength(before - 1);
      await page.getByRole('button', { name: 'Leave the trash' }).click();
      await expect.poll(() => listed(page)).toHaveLength(3);
    });
  });
}

/** Names of the runs on the screen, in alphabetical order. */
async function listed(page: Page): Promise<string[]> {
  const names = await page.getByRole('table').getByRole('link').allInnerTexts();
  return names.sort();
}
