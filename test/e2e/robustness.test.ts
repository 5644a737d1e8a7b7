/**
 * @file What life does to an app: several windows, two starts on one home, a laptop that sleeps, a core that crashes, a home that cannot
 * be written, names and places of every kind.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src-shared/contract/client.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { launchBrowser, openPage, type Server, startServer } from './support/browser-app.ts';
import { connectClient } from './support/core-client.ts';
import { findOverflow } from './support/look.ts';
import { descendantsOf, isAlive } from './support/processes.ts';
import { makeRows, makeTinyModel } from './support/sample-files.ts';

/** 200 letters of three bytes each: as long as a name can be. */
const LONGEST_NAME = '訓'.repeat(200);

let folder = '';
let home = '';
let server: Server;
let browser: Browser;
let client: Client;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-robust-'));
  home = path.join(folder, 'home');
  await makeTinyModel(home);
  makeRows(home);
  server = await startServer(home);
  client = await connectClient(server.url);
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  client.close();
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Trains until it is told to end. */
function endless(name: string): RunConfig {
  return {
    name,
    model: { path: path.join(home, 'tiny') },
    data: { train: [path.join(home, 'rows.jsonl')], max_length: 64 },
    quantization: {},
    peft: {},
    training: { max_steps: 1_000_000, eval_steps: 1_000_000, save_steps: 1_000_000 },
  };
}

async function startTraining(name: string): Promise<string> {
  const { run } = await client.call('runs:start', { config: endless(name) });
  await expect.poll(async () => (await client.call('runs:listActive', {}))[0]?.step ?? 0).toBeGreaterThan(2);
  return run;
}

const openRun = async (page: Page, name: string) => {
  await page.getByRole('table').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
};

describe('two windows', () => {
  it('show the same run, rename it for one another, and may both pause it', { timeout: 120_000 }, async () => {
    await startTraining('Shared');
    const [one, two] = [await openPage(browser, server.url), await openPage(browser, server.url, { theme: 'dark' })];
    await openRun(one.page, 'Shared');
    await openRun(two.page, 'Shared');
    await one.page.getByRole('button', { name: 'Change the name' }).click();
    await one.page.getByRole('textbox', { name: 'Name of the run' }).fill('Renamed');
    await one.page.keyboard.press('Enter');
    await two.page.getByRole('heading', { level: 1, name: 'Renamed' }).waitFor();
    // Whichever is later may find the button gone already.
    const pauses = [one.page, two.page].map((page) =>
      Promise.race([
        page.getByRole('button', { name: 'Pause' }).click(),
        page.getByRole('button', { name: /^Resume/ }).waitFor(),
      ]),
    );
    await Promise.all(pauses);
    for (const { page, faults } of [one, two]) {
      await page.getByText('Paused').first().waitFor({ timeout: 60_000 });
      await page.getByRole('button', { name: /^Resume/ }).waitFor();
      expect(
        await page
          .getByRole('region', { name: 'Messages' })
          .getByText(/not at work/)
          .count(),
      ).toBe(0);
      expect(faults).toEqual([]);
      await page.context().close();
    }
  });
});

describe('two programs on one home', () => {
  it('show each other’s run, and say where it can be ended', { timeout: 120_000 }, async () => {
    const run = await startTraining('Elsewhere');
    const second = await startServer(home);
    const { page, faults } = await openPage(browser, second.url);
    await openRun(page, 'Elsewhere');
    await page.getByText('Training').first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText(/is at work in another program/).waitFor();
    await client.call('runs:pause', { run });
    await page.getByText('Paused').first().waitFor({ timeout: 30_000 });
    expect(faults).toEqual([]);
    await page.context().close();
    await second.close();
  });
});

describe('a laptop that sleeps', () => {
  it('wakes up with a run that goes on and a page that knows', { timeout: 120_000 }, async () => {
    const run = await startTraining('Sleeper');
    const { page, faults } = await openPage(browser, server.url);
    await page.clock.install();
    await page.reload();
    await openRun(page, 'Sleeper');
    const processes = [server.pid, ...descendantsOf(server.pid)];
    for (const pid of processes) process.kill(pid, 'SIGSTOP');
    await page.clock.fastForward('09:00:00');
    for (const pid of processes) process.kill(pid, 'SIGCONT');
    await page.clock.resume();
    const step = async () => (await client.call('runs:listActive', {}))[0]?.step ?? 0;
    const before = await step();
    await expect.poll(step).toBeGreaterThan(before);
    await client.call('runs:stop', { run });
    await page.getByText('Stopped').first().waitFor({ timeout: 30_000 });
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

describe('core', () => {
  it('crashes alone: the run saves its work by itself and is offered', { timeout: 120_000 }, async () => {
    const run = await startTraining('Orphan');
    const jobs = descendantsOf(server.pid);
    server.killCore();
    client.close();
    await expect.poll(() => jobs.filter(isAlive)).toEqual([]);
    expect(readdirSync(path.join(home, 'runs', run)).some((name) => name.startsWith('checkpoint-'))).toBe(true);
    server = await startServer(home);
    client = await connectClient(server.url);
    const { page, faults } = await openPage(browser, server.url);
    await page.getByText('Orphan was cut off').waitFor();
    await page.getByText(/its work is saved/).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    const step = page.getByText(/Step [\d,]+ of/).first();
    await step.waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Stop and keep' }).click();
    await page.getByText('Stopped').first().waitFor({ timeout: 60_000 });
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

describe('names', () => {
  it('may be as long as can be, in any script', { timeout: 120_000 }, async () => {
    const run = await startTraining(LONGEST_NAME);
    await client.call('runs:stop', { run });
    const { page, faults } = await openPage(browser, server.url, { width: 1024, height: 700 });
    await openRun(page, LONGEST_NAME);
    expect(await findOverflow(page)).toEqual([]);
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('table').waitFor();
    expect(await findOverflow(page)).toEqual([]);
    const adapter = client.call('exports:create', { run, checkpoint: await newestCheckpoint(run), format: 'peft' });
    const { dir } = await client.follow(await adapter);
    expect(Buffer.byteLength(path.basename(dir))).toBeLessThan(255);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('of files may hold what the system allows', { timeout: 120_000 }, async () => {
    const { page, faults } = await openPage(browser, server.url);
    await page.getByRole('link', { name: 'Data', exact: true }).click();
    for (const name of [`what's "new"? 50% #1 & <more>.csv`, `${'長'.repeat(80)}.csv`]) {
      const file = path.join(folder, name);
      writeFileSync(file, 'question,answer\n1?,2\n3?,4\n');
      const chooser = page.waitForEvent('filechooser');
      await page.getByRole('button', { name: /Choose files|Add files/ }).click();
      await (await chooser).setFiles(file);
      await page.getByRole('heading', { name: `What is in ${name}` }).waitFor();
      await page.getByText('What the model sees and learns').waitFor({ timeout: 60_000 });
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

describe('a home that cannot be written', () => {
  it('is told with what to do, and the app still opens', { timeout: 120_000 }, async () => {
    const closed = path.join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    chmodSync(folder, 0o755);
    const stranger = await startServer(closed, { user: someoneElse() });
    const { page } = await openPage(browser, stranger.url);
    const told = page.getByRole('main');
    await told.getByText('The folder of your runs cannot be written').waitFor();
    await told.getByText(/no permission to write here/).waitFor();
    await told.getByText(/Set TUNESMITH_HOME to a folder that you can write to/).waitFor();
    await page.context().close();
    await stranger.close();
  });
});

async function newestCheckpoint(run: string): Promise<number | null> {
  return (await client.call('runs:get', { run })).checkpoints[0]?.step ?? null;
}

/** For root nothing is closed. @returns a user for whom it is */
function someoneElse(): number | undefined {
  const NOBODY = 65_534;
  return process.getuid?.() === 0 ? NOBODY : undefined;
}
