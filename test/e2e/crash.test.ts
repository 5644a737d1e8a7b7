/**
 * @file A power cut in mid-run: the app is opened again, offers to resume, and the run finishes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser, openPage, type Server, startServer } from './support/browser-app.ts';
import { findViolations, shoot } from './support/look.ts';

const LEARNING_MS = 240_000;
let home = '';
let server: Server;
let browser: Browser;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-crash-'));
  server = await startServer(home);
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser.close();
  await server.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('says that the connection is gone, then resumes where it was', { timeout: 2 * LEARNING_MS }, async () => {
  const { page } = await openPage(browser, server.url);
  await page.getByRole('button', { name: /See it learn/ }).click();
  await page.getByRole('tab', { name: 'What happened' }).click();
  await page.getByText('Saved a checkpoint.').first().waitFor({ timeout: LEARNING_MS });
  await server.kill();
  await page.getByText(/The connection to Tunesmith is interrupted/).waitFor();
  expect(await findViolations(page)).toEqual([]);
  await page.close();

  server = await startServer(home);
  const { page: again, faults } = await openPage(browser, server.url, { theme: 'dark' });
  await again.getByText('Sample was cut off').waitFor({ timeout: 30_000 });
  await again.getByText(/its work is saved. Resuming takes/).waitFor();
  expect(await findViolations(again)).toEqual([]);
  await shoot(again, 'home-cut-off-dark');
  await again.getByRole('button', { name: 'Resume' }).click();
  await again.getByRole('heading', { name: 'What it learned' }).waitFor({ timeout: LEARNING_MS });
  await again.getByText('Finished').first().waitFor({ timeout: LEARNING_MS });
  expect(faults).toEqual([]);
});
