/**
 * @file Every view in light and dark, in a large and a small window: nothing that axe objects to, nothing out of reach. And its picture.
 */
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { connectClient, runToEnd } from '../support/core-client.ts';
import { examine } from '../support/look.ts';
import type { Stage } from '../support/stage.ts';

const LOOK_MS = 300_000;
const RESOURCES = path.resolve(import.meta.dirname, '../../../resources');
const WIZARD_STEPS = ['Your data', 'Base model', 'What to train', 'Precision', 'How to train', 'Check', 'Run'];

/** What an app shows that was never used. */
export function examineEmptyViews(stage: Stage): void {
  describe('an empty app looks right', () => {
    it('at home', { timeout: LOOK_MS }, async () => {
      await stage.page.getByText(/Found on this machine: TensorFlow/).waitFor({ timeout: 180_000 });
      expect(await examine(stage.page, 'home-empty')).toEqual([]);
    });

    it('in its other places', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await goTo(page, 'Data');
      expect(await examine(page, 'data-empty')).toEqual([]);
      await goTo(page, 'Queue');
      expect(await examine(page, 'queue-empty')).toEqual([]);
      await page.getByRole('link', { name: 'New run' }).click();
      await page.getByRole('heading', { name: 'Your data' }).waitFor();
      expect(await examine(page, 'wizard-empty')).toEqual([]);
      await goTo(page, 'Runs');
    });

    it('without its key', { timeout: LOOK_MS }, async () => {
      const context = await stage.page.context().browser()?.newContext();
      const stranger = await context?.newPage();
      if (!stranger) throw new Error('no second window');
      await stranger.goto(new URL('/', stage.page.url()).href);
      await stranger.getByText('This address is missing its key').waitFor();
      expect(await examine(stranger, 'no-key')).toEqual([]);
      await context?.close();
    });
  });
}

/** Begins with a history, nothing at work; leaves no app. */
export function examineEveryView(stage: Stage): void {
  describe('every view looks right', () => {
    it('home, with runs of all kinds', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await failARun(page);
      await goTo(page, 'Runs');
      await page.getByRole('checkbox', { name: 'Choose Sample' }).check();
      await page.getByRole('checkbox', { name: 'Choose By keys' }).check();
      await page.getByText('Failed').first().waitFor();
      expect(await examine(page, 'home')).toEqual([]);
      await page.getByRole('button', { name: 'Trash', exact: true }).click();
      await page.getByText('The trash is empty').waitFor();
      expect(await examine(page, 'trash-empty')).toEqual([]);
      // The place where one is already leads to its start.
      await goTo(page, 'Runs');
      await page.getByRole('table').getByRole('link', { name: 'Sample', exact: true }).waitFor();
    });

    it('runs: finished, failed, stopped', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await openRun(page, 'Sample');
      await page.getByRole('heading', { name: 'What it learned' }).waitFor();
      expect(await examine(page, 'run-finished')).toEqual([]);
      await page.getByRole('button', { name: 'Export', exact: true }).first().click();
      await page.getByRole('tab', { name: 'Log' }).click();
      expect(await examine(page, 'run-export')).toEqual([]);
      await openRun(page, 'Too fast');
      await page.getByRole('tab', { name: 'What happened' }).click();
      expect(await examine(page, 'run-failed')).toEqual([]);
      await openRun(page, 'By keys');
      expect(await examine(page, 'run-stopped')).toEqual([]);
    });

    it('runs beside each other', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await goTo(page, 'Runs');
      for (const name of ['Sample', 'By keys', 'Too fast']) {
        await page.getByRole('checkbox', { name: `Choose ${name}` }).check();
      }
      await page.getByRole('button', { name: 'Compare 3' }).click();
      await page.getByRole('heading', { name: 'Settings that differ' }).waitFor();
      expect(await examine(page, 'compare')).toEqual([]);
    });

    it('models, data, queue, settings', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await goTo(page, 'Models');
      await page.getByRole('button', { name: 'Add a folder with a model' }).click();
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
      expect(await examine(page, 'models')).toEqual([]);
      await goTo(page, 'Data');
      await page.getByRole('button', { name: 'Look into it' }).first().click();
      await page.getByText('What the model sees and learns').waitFor({ timeout: 180_000 });
      expect(await examine(page, 'data')).toEqual([]);
      await goTo(page, 'Queue');
      await page.getByText('Finished').first().waitFor();
      expect(await examine(page, 'queue')).toEqual([]);
      await goTo(page, 'Settings');
      // The rail names the engine too, but hides it where it is narrow.
      const engine = page.getByRole('main').getByText(/TensorFlow 2/);
      await engine.first().waitFor({ timeout: LOOK_MS });
      expect(await examine(page, 'settings')).toEqual([]);
    });

    it('the playground, with answers', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await openRun(page, 'Sample');
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText('Ready').nth(1).waitFor({ timeout: 180_000 });
      await page.getByLabel('Your message').fill('A new order: two white chairs, to be sent to Rome.');
      await page.keyboard.press('Enter');
      const done = page.getByText(/ended by itself|cut at the longest/);
      await done.nth(1).waitFor({ timeout: 180_000 });
      expect(await examine(page, 'playground')).toEqual([]);
    });

    it('the wizard, step by step, and its drafts', { timeout: 2 * LOOK_MS }, async () => {
      const { page } = stage;
      await openRun(page, 'By keys');
      await page.getByRole('button', { name: 'More actions for this run' }).click();
      await page.getByRole('menuitem', { name: 'Set up a new run like this' }).click();
      await page.getByText('What the model sees and learns').waitFor({ timeout: 180_000 });
      for (const [index, name] of WIZARD_STEPS.entries()) {
        await page.getByRole('navigation', { name: 'Steps' }).getByRole('link', { name }).first().click();
        await page.getByRole('heading', { name, exact: true }).waitFor();
        if (name === 'Check') await page.getByText('Worked out by the engine').waitFor({ timeout: 180_000 });
        expect(await examine(page, `wizard-${index + 1}`)).toEqual([]);
      }
      await page.getByRole('link', { name: 'New run' }).click();
      await page.getByText('Go on where you were').waitFor();
      expect(await examine(page, 'wizard-drafts')).toEqual([]);
    });

    it('a run at work, and what waits for it', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      await openRun(page, 'By keys');
      await page.getByRole('button', { name: /^Resume/ }).click();
      await page
        .getByText(/\d+ tokens\/s/)
        .first()
        .waitFor({ timeout: 180_000 });
      expect(await examine(page, 'run-at-work')).toEqual([]);
      await goTo(page, 'Playground');
      await page.getByText('By keys is training').waitFor();
      expect(await examine(page, 'playground-beside-training')).toEqual([]);
      await page.getByRole('button', { name: 'Pause it and load' }).click();
      await page.getByText('By keys is paused while you chat').waitFor();
      await page.getByText('Ready').first().waitFor({ timeout: 180_000 });
      await page.getByRole('button', { name: 'Let it go on' }).click();
      await page.getByText('By keys is training').waitFor();
    });

    it('a lost connection, and a run that was cut off', { timeout: LOOK_MS }, async () => {
      const { page } = stage;
      stage.app.killCore();
      await page.getByText(/The connection to Tunesmith is interrupted/).waitFor();
      expect(await examine(page, 'connection-lost')).toEqual([]);
      await stage.app.kill();
      const again = await stage.reopen();
      await again.getByText('By keys was cut off').waitFor({ timeout: 180_000 });
      expect(await examine(again, 'home-cut-off')).toEqual([]);
    });
  });
}

async function goTo(page: Page, place: string): Promise<void> {
  await page.getByRole('link', { name: place, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: place }).waitFor();
}

async function openRun(page: Page, name: string): Promise<void> {
  await goTo(page, 'Runs');
  await page.getByRole('table').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** A run whose loss is soon no number any more. */
async function failARun(page: Page): Promise<void> {
  const token = await page.evaluate(() => sessionStorage.getItem('tunesmith.token'));
  const client = await connectClient(new URL(`/#token=${token}`, page.url()).href);
  await runToEnd(client, {
    name: 'Too fast',
    model: { path: path.join(RESOURCES, 'sample-model') },
    data: { train: [path.join(RESOURCES, 'sample-data', 'test.jsonl')] },
    quantization: {},
    peft: {},
    training: { learning_rate: 1e30, max_steps: 20 },
  });
  client.close();
}
