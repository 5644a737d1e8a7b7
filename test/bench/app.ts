/**
 * @file How quick the app feels: curves of 100,000 steps while they are panned, a history of 5,000 runs, the first view of a window, and
 * core's answers while a run trains. Run by hand, some minutes on a quiet machine; writes APP.md.
 *
 *     node scripts/with-node.mjs test/bench/app.ts [--electron] [--quick]
 *
 * --electron needs a display, for instance by xvfb-run -a.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { sampleConfig } from '../../src-main/services/sample-task.ts';
import { launchBrowser, openPage, startServer } from '../e2e/support/browser-app.ts';
import { openElectronHost } from '../e2e/support/electron-app.ts';
import { questionRows, writeTinyModel } from '../recipe/support/tiny-model.ts';
import { type FrameTimes, panByMouse, traceFrames } from './app/chart-frames.ts';
import { measureLatency } from './app/core-latency.ts';
import { fillHome, LONG_RUN } from './app/filled-home.ts';
import { describeOpenings, type OpeningTimes, readLargestPaint, timeClick } from './app/openings.ts';
import { currentLoad, writeReport } from './app/report.ts';
import { waitForQuiet } from './machine.ts';

const RESOURCES = path.resolve(import.meta.dirname, '../../resources');
/** To see that all of it works; its figures mean little. */
const QUICK = process.argv.includes('--quick');
const LATENCY_SECONDS = QUICK ? 5 : 60;
const OPENINGS = QUICK ? 2 : 15;
const STARTS = QUICK ? 1 : 6;
const PANS = QUICK ? 60 : 400;

const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-app-bench-'));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
try {
  say('filling a home…');
  fillHome(path.join(folder, 'filled'));
  const quiet = !QUICK && (await waitForQuiet());
  const before = currentLoad();
  const { frames, openings } = await measurePages(copyHome('pages'));
  const first = process.argv.includes('--electron') ? await measureFirstView(copyHome('electron')) : [];
  const latencies = [await measureTraining('sample'), await measureTraining('tiny')];
  const load = [before, currentLoad()] as const;
  writeReport({ quiet, load, frames, openings: [...openings, ...first], latencies });
  say('test/bench/APP.md is written.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Each measurement begins with the same history. */
function copyHome(name: string): string {
  const home = path.join(folder, name);
  cpSync(path.join(folder, 'filled'), home, { recursive: true });
  return home;
}

async function measurePages(home: string): Promise<{ frames: FrameTimes[]; openings: OpeningTimes[] }> {
  say('curves and openings…');
  const server = await startServer(home);
  const browser = await launchBrowser();
  try {
    const { page } = await openPage(browser, server.url);
    const row = '[role="row"] a[href^="#/runs/"]';
    await page.locator(row).first().waitFor();
    const [toHistory, toRun, reloads]: number[][] = [[], [], []];
    for (let round = 0; round < OPENINGS; round++) {
      await page.locator('nav a[href="#/settings"]').first().click();
      await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
      toHistory?.push(await timeClick(page, 'nav a[href="#/runs"]', row));
      toRun?.push(await timeClick(page, `a[href="#/runs/${LONG_RUN}"]`, '.u-over'));
      await page.locator('nav a[href="#/runs"]').first().click();
      await page.reload();
      await page.locator(row).first().waitFor();
      reloads?.push(await readLargestPaint(page));
    }
    await page.locator(`a[href="#/runs/${LONG_RUN}"]`).first().click();
    await waitForCurves(page);
    const plot = page.locator('.u-over').first();
    const box = await plot.boundingBox();
    if (!box) throw new Error('no curves on the page');
    const center = { x: box.x, y: box.y + box.height / 2, width: box.width };
    const pan = (): Promise<void> => panByMouse(page, center, PANS);
    const chart = page.getByRole('application').first();
    const frames: FrameTimes[] = [];
    for (const [what, presses] of [
      ['panned, half of it seen', 2],
      ['panned, a tenth of it seen', 5],
    ] as const) {
      await chart.focus();
      for (let press = 0; press < presses; press++) await page.keyboard.press('+');
      frames.push(await traceFrames(page, what, pan));
    }
    await page.keyboard.press('0');
    const hover = async (): Promise<void> => {
      for (let move = 0; move < PANS; move++) await page.mouse.move(center.x + (box.width * move) / PANS, center.y);
    };
    frames.push(await traceFrames(page, 'values read under the mouse', hover));
    const openings = [
      describeOpenings('history of 5,000 runs, by a click', toHistory ?? []),
      describeOpenings('history of 5,000 runs, window loaded anew', reloads ?? []),
      describeOpenings('run of 100,000 steps, by a click', toRun ?? []),
    ];
    return { frames, openings };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Until all pages of a long run's figures are drawn: the last value that the curve is described with stays the same. */
async function waitForCurves(page: Page): Promise<void> {
  const describe = () => page.getByRole('application').first().getAttribute('aria-label');
  for (let before: string | null = null; ; await page.waitForTimeout(1_500)) {
    const now = await describe();
    if (now !== null && now === before) return;
    before = now;
  }
}

/** A fresh Electron each time, with the history of 5,000 runs. */
async function measureFirstView(home: string): Promise<OpeningTimes[]> {
  say('first views in Electron…');
  const host = await openElectronHost();
  const times: number[] = [];
  try {
    for (let round = 0; round < STARTS; round++) {
      const app = await host.open(home);
      await app.page.locator('[role="row"] a[href^="#/runs/"]').first().waitFor();
      await app.page.waitForTimeout(500);
      times.push(await readLargestPaint(app.page));
      await app.close();
    }
  } finally {
    await host.dispose();
  }
  return [describeOpenings('first view in Electron, app started anew', times)];
}

async function measureTraining(model: 'sample' | 'tiny') {
  say(`core while the ${model} model trains…`);
  const home = copyHome(model);
  const forever = { max_steps: 1_000_000, save_steps: 1_000_000, logging_steps: 1 };
  if (model === 'sample') {
    const config = sampleConfig(RESOURCES);
    const endless = { ...config, training: { ...config.training, ...forever } };
    return { what: 'the sample model trains', result: await measureLatency(home, endless, LATENCY_SECONDS) };
  }
  const [path_, data] = [path.join(home, 'tiny'), path.join(home, 'rows.jsonl')];
  mkdirSync(home, { recursive: true });
  await writeTinyModel(path_);
  writeFileSync(data, questionRows(200));
  const config = {
    name: 'Tiny',
    model: { path: path_ },
    data: { train: [data], eval_fraction: 0, max_length: 32 },
    quantization: {},
    peft: {},
    training: { ...forever, per_device_train_batch_size: 1 },
  };
  return { what: 'a tiny model trains', result: await measureLatency(home, config, LATENCY_SECONDS) };
}
