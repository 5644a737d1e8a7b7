/**
 * @file Getting a model: from a search, past everything that may go wrong, to the first step of a run and to its deletion. The hub is one
 * on loopback.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyHubModel } from '../support/hub-models.ts';
import { type HubServer, startHub } from '../support/hub-server.ts';
import { launchBrowser, openPage, type Server, startServer, type WatchedPage } from './support/browser-app.ts';
import { examine } from './support/look.ts';

const TOKEN = 'hf_typedbyhand';
/** Small enough for a page at 1024 x 700 to be looked at whole. */
const NARROW = { width: 1024, height: 700 };

let home = '';
let hub: HubServer;
let server: Server;
let browser: Browser;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-models-e2e-'));
  hub = await startHub();
  hub.add(await tinyHubModel('maker/tiny-chat', { downloads: 48_200 }));
  const { files } = await tinyHubModel();
  hub.add(await tinyHubModel('maker/tiny-gated', { gated: true, licence: 'llama3.2' }));
  hub.add({ id: 'maker/tiny-pickled', files: { 'config.json': files['config.json'] ?? '', 'pytorch_model.bin': 'x' } });
  hub.onHub = (at, { headers }) => {
    const isOpen = !at.includes('/maker/tiny-gated/resolve/') || headers.authorization === `Bearer ${TOKEN}`;
    return isOpen ? null : { status: 401, headers: { 'x-error-code': 'GatedRepo' } };
  };
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HOME: path.join(home, 'hf'), HOME: home, HF_TOKEN: '' });
  server = await startServer(home);
  browser = await launchBrowser();
  watched = await openPage(browser, server.url, NARROW);
  ({ page } = watched);
}, 300_000);
afterAll(async () => {
  expect(watched.faults).toEqual([]);
  await browser.close();
  await server.close();
  await hub.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });

async function lookGood(name: string): Promise<void> {
  expect(await examine(page, name)).toEqual([]);
}

describe('the Models screen', () => {
  it('offers starters that say how large they are and whether they fit', async () => {
    await page.getByRole('link', { name: 'Models' }).click();
    await page.getByText('comes with Tunesmith').waitFor();
    await lookGood('models-here');
    await page.getByRole('radio', { name: 'Get a model' }).click();
    await row('SmolLM2-135M-Instruct')
      .getByText(/Training needs about/)
      .waitFor();
    await lookGood('models-starters');
  });

  it('finds models, and hides what cannot be trained until asked', async () => {
    await page.getByLabel('Search the hub for models').fill('tiny');
    await page.keyboard.press('Enter');
    await row('maker/tiny-chat').getByText('48.2K downloads').waitFor();
    expect(await row('maker/tiny-pickled').count()).toBe(0);
    await page.getByText('Only what can be trained here (1 hidden)').click();
    await row('maker/tiny-pickled')
      .getByText(/pickle files/)
      .waitFor();
    await lookGood('models-search');
  });

  it('downloads one, pausing and resuming it', async () => {
    hub.onFile = (name, from) =>
      name === 'model.safetensors' && from === 0 ? { cutAfter: 60_000, hangs: true } : null;
    await page.getByRole('button', { name: 'Download maker/tiny-chat' }).click();
    const coming = page.getByRole('listitem', { name: 'Download maker/tiny-chat' });
    await coming.getByText(/6\d(\.\d)? kB of 106 kB/).waitFor();
    await lookGood('models-downloading');
    await coming.getByRole('button', { name: 'Pause' }).click();
    await coming.getByText(/Paused/).waitFor();
    hub.onFile = () => null;
    await page.reload();
    await page.getByRole('radio', { name: 'Get a model' }).click();
    await coming.getByText(/Paused/).waitFor();
    await coming.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('maker/tiny-chat is here.').waitFor({ timeout: 30_000 });
    await coming.waitFor({ state: 'detached' });
  });

  it('says at a gated model what to do, and takes a token for it', async () => {
    await page.getByLabel('Search the hub for models').fill('gated');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Download maker/tiny-gated' }).click();
    await page.getByText('This model is gated').waitFor();
    await lookGood('models-gated');
    await page.getByRole('button', { name: 'Give a token' }).click();
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('The token is used from now on.').waitFor();
    await lookGood('models-settings');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('maker/tiny-gated is here.').waitFor({ timeout: 30_000 });
  });

  it('asks nobody in offline mode', async () => {
    await page.getByRole('switch', { name: 'Offline mode' }).click();
    await page.getByText('Offline mode is on').waitFor();
    // A search that was under way may say the same a moment before the screen knows it.
    await page.getByRole('button', { name: 'Search', disabled: true }).waitFor();
    await page.getByRole('switch', { name: 'Offline mode' }).click();
    await page.getByText('Offline mode is on').waitFor({ state: 'detached' });
  });

  it('deletes a download and says what is free again', async () => {
    await page.getByRole('radio', { name: 'On this machine' }).click();
    await page.getByRole('button', { name: 'Actions for maker/tiny-gated' }).click();
    await page.getByRole('menuitem', { name: 'Delete its files' }).click();
    await page.getByText('This deletes its folder').waitFor();
    await page.getByRole('button', { name: /Delete and free/ }).click();
    await page.getByText(/maker\/tiny-gated is deleted; 10\d kB are free again/).waitFor();
    await page.getByText('models/maker/tiny-gated').waitFor({ state: 'detached' });
  });

  it('offers the same within a new run', async () => {
    await page.getByRole('link', { name: 'New run' }).click();
    await page.getByRole('button', { name: /Base model/ }).click();
    await page.getByText('Get a model').click();
    await page.getByText('Good to start with').waitFor();
    await lookGood('wizard-get-model');
  });
});
