/**
 * @file From a broken file to a run, without a mouse: the doctor mends the data, the seven steps are gone through by keys alone, the run
 * is paused, resumed and stopped.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, openPage, type Server, startServer, type WatchedPage } from './support/browser-app.ts';
import { connectClient } from './support/core-client.ts';
import { press, tabTo } from './support/keyboard.ts';
import { findViolations, shoot } from './support/look.ts';
import { makeBrokenCsv, makeTinyModel } from './support/sample-files.ts';

let folder = '';
let server: Server;
let browser: Browser;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-wizard-'));
  const model = await makeTinyModel(folder);
  server = await startServer(path.join(folder, 'home'), [folder]);
  const client = await connectClient(server.url);
  await client.call('models:import', { path: model, name: 'Tiny' });
  client.close();
  browser = await launchBrowser();
  watched = await openPage(browser, server.url, { width: 1024, height: 700 });
  ({ page } = watched);
}, 300_000);
afterAll(async () => {
  expect(watched.faults).toEqual([]);
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('without a mouse', () => {
  it('skips the rail', async () => {
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await press(page, 'button', 'Start with my own data');
    await page.getByRole('heading', { name: 'Your data' }).waitFor();
  });

  it('takes a file in, and the doctor mends it', { timeout: 120_000 }, async () => {
    // Before the key is pressed: listening begins a moment after it is asked for.
    const chooser = page.waitForEvent('filechooser');
    await tabTo(page, 'button', 'Choose files');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(makeBrokenCsv(folder));
    await page.getByText('3 rows cannot be used').waitFor({ timeout: 60_000 });
    await page.getByText('2 rows repeat an earlier one').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'wizard-data-broken-small-light');
    await press(page, 'button', 'Leave them out');
    await page.getByText(/3 rows were left out in a copy/).waitFor({ timeout: 60_000 });
    await page.getByText('2 rows repeat an earlier one').waitFor({ timeout: 60_000 });
    await expect.poll(() => page.getByText('cannot be used').count()).toBe(0);
    await page.getByText('What the model sees and learns').waitFor();
  });

  it('keeps the draft when the page is opened anew', async () => {
    await page.getByText('Saved as a draft').waitFor();
    await page.reload();
    await page.getByText('2 rows repeat an earlier one').waitFor({ timeout: 60_000 });
  });

  it('goes through the choices', { timeout: 120_000 }, async () => {
    await press(page, 'button', 'Next: Base model');
    await page.getByRole('heading', { name: 'Base model' }).waitFor();
    await page.getByRole('radio', { name: 'Tiny' }).waitFor();
    expect(await page.getByRole('radio', { name: 'Tiny' }).getAttribute('aria-checked')).toBe('true');
    await press(page, 'button', 'Next: What to train');
    const trainable = page.getByText('Numbers that learn').locator('xpath=following-sibling::dd');
    const before = await trainable.innerText();
    await tabTo(page, 'slider', /Capacity/);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => trainable.innerText()).not.toBe(before);
    await press(page, 'button', 'Next: Precision');
    await tabTo(page, 'radio', /16 bits|32 bits/);
    await press(page, 'button', 'Next: How to train');
    await tabTo(page, 'radio', 'Simple');
    await page.keyboard.press('ArrowRight');
    await tabTo(page, 'textbox', /Stop after this many steps/);
    await page.keyboard.press('Control+A');
    await page.keyboard.type('4000');
    await page.keyboard.press('Tab');
    expect(await findViolations(page)).toEqual([]);
  });

  it('is checked by the engine, then starts', { timeout: 120_000 }, async () => {
    await press(page, 'button', 'Next: Check');
    await page.getByText('Worked out by the engine from your data.').waitFor({ timeout: 60_000 });
    await page.getByText('4,000').first().waitFor();
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'wizard-check-small-light');
    await press(page, 'button', 'Next: Run');
    await tabTo(page, 'textbox', 'Name of the run');
    await page.keyboard.type('By keys');
    await press(page, 'button', 'Start training');
    await page.getByRole('heading', { name: 'By keys' }).waitFor({ timeout: 60_000 });
    await page
      .getByText(/Step \d+/)
      .first()
      .waitFor({ timeout: 60_000 });
  });

  it('pauses, resumes and stops', { timeout: 180_000 }, async () => {
    await press(page, 'button', 'Pause');
    await page.getByText('Paused').first().waitFor({ timeout: 60_000 });
    await press(page, 'button', /^Resume/);
    await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 60_000 });
    await page
      .getByText(/Step \d+/)
      .first()
      .waitFor({ timeout: 60_000 });
    await press(page, 'button', 'Stop and keep');
    await page.getByText('Stopped').first().waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: /^Resume/ }).waitFor();
  });

  it('leaves no draft behind', async () => {
    await press(page, 'link', 'New run');
    await page.getByRole('heading', { name: 'Your data' }).waitFor();
    expect(await page.getByText('Go on where you were').count()).toBe(0);
  });
});
