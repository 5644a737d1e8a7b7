/**
 * @file From an empty app to a model that has learned, tried and exported: the sample task, in the browser, with the real engine.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, openPage, type Server, startServer, type WatchedPage } from './support/browser-app.ts';
import { findViolations, shoot } from './support/look.ts';

const LEARNING_MS = 240_000;

let home = '';
let server: Server;
let browser: Browser;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-first-'));
  server = await startServer(home);
  browser = await launchBrowser();
  watched = await openPage(browser, server.url);
  ({ page } = watched);
}, 300_000);
afterAll(async () => {
  expect(watched.faults).toEqual([]);
  await browser.close();
  await server.close();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

describe('the first minutes', () => {
  it('offers the sample, and says what engine was found', async () => {
    await page.getByRole('button', { name: /See it learn/ }).waitFor();
    await page.getByText(/Found on this machine: TensorFlow/).waitFor({ timeout: 60_000 });
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'home-empty-light');
  });

  it('keeps its key out of the address', () => {
    expect(page.url()).not.toContain('token');
  });

  it('learns, and a reload in the midst loses nothing', { timeout: LEARNING_MS }, async () => {
    await page.getByRole('button', { name: /See it learn/ }).click();
    await page.getByText(/Step \d+ of \d+/).waitFor({ timeout: 120_000 });
    await page.getByRole('link', { name: /Open the run at work/ }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByText(/Step \d+ of \d+/).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'run-at-work-light');
    await page.getByRole('heading', { name: 'What it learned' }).waitFor({ timeout: LEARNING_MS });
    await page.getByText('as wanted').first().waitFor();
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'run-finished-light');
  });

  it('answers as base and as tuned model', { timeout: 120_000 }, async () => {
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByText('Ready').nth(1).waitFor({ timeout: 60_000 });
    const question = 'I want to buy 1 orange heater for a friend. We live in Lisbon.';
    await page.getByLabel('Your message').fill(question);
    await page.keyboard.press('Enter');
    await page
      .getByText(/ended by itself|cut at the longest/)
      .nth(1)
      .waitFor({ timeout: 60_000 });
    await expect
      .poll(() => page.getByRole('article', { name: 'Tuned' }).innerText())
      .toContain('intent: order | item: orange heater | qty: 1 | city: Lisbon');
    expect(await page.getByRole('article', { name: 'Base' }).innerText()).not.toContain('intent:');
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'playground-light');
  });

  it('exports an adapter', { timeout: 120_000 }, async () => {
    await page.goBack();
    await page.getByRole('button', { name: 'Export', exact: true }).first().click();
    await page.getByRole('button', { name: 'Write it' }).click();
    await page.getByText(/Written, /).waitFor({ timeout: 60_000 });
    const dir = await page
      .locator('code', { hasText: path.join(home, 'exports') })
      .first()
      .innerText();
    expect(existsSync(path.join(dir, 'adapter_model.safetensors'))).toBe(true);
    expect(await findViolations(page)).toEqual([]);
  });
});
