/**
 * @file From a broken file to a run, without a mouse: the doctor mends the data, the seven steps are gone through by keys alone, the run
 * is paused and resumed.
 */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { press, tabTo, tabToElement } from '../support/keyboard.ts';
import { makeBrokenCsv } from '../support/sample-files.ts';
import type { Stage } from '../support/stage.ts';

/** Enough that it is at work when the next part begins, few enough to wait for. */
const STEPS = '240';

/** Leaves the run "By keys" at work, with a checkpoint. */
export function playByKeyboard(stage: Stage): void {
  describe('without a mouse', () => {
    it('one skips the rail', async () => {
      const { page } = stage;
      await page.reload();
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await page.keyboard.press('Tab');
      expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      await press(page, 'link', 'New run');
      await page.getByRole('heading', { name: 'Your data' }).waitFor();
    });

    it('a file is taken in, and the doctor mends it', { timeout: 600_000 }, async () => {
      const { page, home, app } = stage;
      const file = makeBrokenCsv(path.join(home, 'own files'));
      await tabTo(page, 'button', 'Choose files');
      await app.chooseFiles(() => page.keyboard.press('Enter'), [file]);
      await page.getByText('3 rows cannot be used').waitFor({ timeout: 180_000 });
      await page.getByText('2 rows repeat an earlier one').waitFor();
      await press(page, 'button', 'Leave them out');
      await page.getByText(/3 rows were left out in a copy/).waitFor({ timeout: 180_000 });
      await page.getByText('2 rows repeat an earlier one').waitFor({ timeout: 180_000 });
      await expect.poll(() => page.getByText('cannot be used').count()).toBe(0);
      await page.getByText('What the model sees and learns').waitFor();
    });

    it('the draft is kept when the page is opened anew', async () => {
      const { page } = stage;
      await page.getByText('Saved as a draft').waitFor();
      await page.reload();
      await page.getByText('2 rows repeat an earlier one').waitFor({ timeout: 180_000 });
    });

    it('the choices are made', { timeout: 600_000 }, async () => {
      const { page } = stage;
      await press(page, 'button', 'Next: Base model');
      await page.getByRole('heading', { name: 'Base model' }).waitFor();
      const first = page.getByRole('radiogroup', { name: 'Models to start from' }).getByRole('radio').first();
      await expect.poll(() => first.getAttribute('aria-checked')).toBe('true');
      await press(page, 'button', 'Next: What to train');
      const trainable = page.getByText('Numbers that learn').locator('xpath=following-sibling::dd');
      const before = await trainable.innerText();
      await tabTo(page, 'slider', /Capacity/);
      await page.keyboard.press('ArrowRight');
      await expect.poll(() => trainable.innerText()).not.toBe(before);
      await press(page, 'button', 'Next: Precision');
      await tabToElement(page, page.getByRole('radio', { name: /16 bits|32 bits/, checked: true }));
      await press(page, 'button', 'Next: How to train');
      await tabTo(page, 'radio', 'Simple');
      await page.keyboard.press('ArrowRight');
      await tabTo(page, 'textbox', /Stop after this many steps/);
      await page.keyboard.press('Control+A');
      await page.keyboard.type(STEPS);
      await page.keyboard.press('Tab');
    });

    it('the engine checks them, then it starts', { timeout: 600_000 }, async () => {
      const { page } = stage;
      await press(page, 'button', 'Next: Check');
      await page.getByText('Worked out by the engine from your data.').waitFor({ timeout: 180_000 });
      await page.getByText(STEPS, { exact: true }).first().waitFor();
      await press(page, 'button', 'Next: Run');
      await tabTo(page, 'textbox', 'Name of the run');
      await page.keyboard.type('By keys');
      await press(page, 'button', 'Start training');
      await page.getByRole('heading', { name: 'By keys' }).waitFor({ timeout: 180_000 });
      await page
        .getByText(/Step \d+/)
        .first()
        .waitFor({ timeout: 180_000 });
    });

    it('it is paused and resumed', { timeout: 180_000 }, async () => {
      const { page } = stage;
      await press(page, 'button', 'Pause');
      await page.getByText('Paused').first().waitFor({ timeout: 180_000 });
      await press(page, 'button', /^Resume/);
      await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 180_000 });
      await page
        .getByText(/Step \d+ of/)
        .first()
        .waitFor({ timeout: 180_000 });
    });

    it('no draft is left behind', async () => {
      const { page } = stage;
      await press(page, 'link', 'New run');
      await page.getByRole('heading', { name: 'Your data' }).waitFor();
      expect(await page.getByText('Go on where you were').count()).toBe(0);
      await page.goBack();
      await page.getByRole('heading', { name: 'By keys' }).waitFor();
    });
  });
}
