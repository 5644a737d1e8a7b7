/**
 * @file A real Electron with the built app in it, on a home of its own. Needs a display (xvfb) and, on Debian, xvfb libgtk-3-0 libnss3
 * libasound2 libgbm1.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { ensureBuilt } from '../../../scripts/launch/build-app.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const LAUNCH_TIMEOUT_MS = 90_000;

export interface OpenApp {
  readonly app: ElectronApplication;
  readonly page: Page;
  /** Process id of Electron's main process. */
  readonly pid: number;
  /** Ends it as a person does who closes the window. */
  close(): Promise<void>;
  /** Ends main at once, as a crash does. */
  kill(): void;
}

export interface ElectronBench {
  /** @param home folder of the app; kept by the caller */
  open(home: string): Promise<OpenApp>;
  dispose(): void;
}

/** Builds the app if need be, and puts it into a private copy of Electron: `TUNESMITH_ELECTRON`, else the one of scripts/get-electron. */
export async function prepareElectron(): Promise<ElectronBench> {
  await ensureBuilt({ node: process.execPath, root: ROOT });
  const given = process.env.TUNESMITH_ELECTRON;
  const dist = given
    ? path.dirname(given)
    : execFileSync(path.join(ROOT, 'scripts', 'get-electron'), { encoding: 'utf8' }).trim();
  const own = mkdtempSync(path.join(tmpdir(), 'tunesmith-electron-'));
  cpSync(dist, own, { recursive: true });
  const place = path.join(own, 'resources', 'app');
  if (!existsSync(place)) symlinkSync(ROOT, place);
  return {
    open: (home) => openApp(path.join(own, 'electron'), home),
    dispose: () => rmSync(own, { recursive: true, force: true }),
  };
}

async function openApp(executablePath: string, home: string): Promise<OpenApp> {
  const app = await _electron.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu'],
    env: { ...process.env, TUNESMITH_HOME: home, TUNESMITH_NODE: process.execPath },
    timeout: LAUNCH_TIMEOUT_MS,
  });
  const page = await app.firstWindow();
  await page.getByRole('navigation').first().waitFor();
  const main = app.process();
  return {
    app,
    page,
    pid: main.pid ?? 0,
    async close() {
      const ended = new Promise((resolve) => main.once('exit', resolve));
      if (main.exitCode === null && main.signalCode === null) {
        await app.evaluate(({ app: electron }) => electron.quit()).catch(() => {});
        await ended;
      }
    },
    kill: () => main.kill('SIGKILL'),
  };
}
