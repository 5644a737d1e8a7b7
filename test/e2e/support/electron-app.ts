/**
 * @file A real Electron with the built app in it, on a home of its own. Needs a display (xvfb) and, on Debian, xvfb libgtk-3-0 libnss3
 * libasound2 libgbm1.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication } from 'playwright-core';
import { ensureBuilt } from '../../../scripts/launch/build-app.mjs';
import { descendantsOf, findDescendant, killAll } from './processes.ts';
import { type Host, type OpenedApp, watchFaults } from './stage.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const LAUNCH_TIMEOUT_MS = 90_000;
const ARGS = ['--no-sandbox', '--disable-gpu'];

export interface OpenElectron extends OpenedApp {
  readonly app: ElectronApplication;
  /** Process id of Electron's main process. */
  readonly pid: number;
  /** Process id of core; undefined between its end and its next start. */
  core(): number | undefined;
}

export interface ElectronHost extends Host {
  open(home: string): Promise<OpenElectron>;
  /** How the app is started by hand. */
  command(home: string): { readonly file: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv };
}

/** Builds the app if need be, and puts it into a private copy of Electron: `TUNESMITH_ELECTRON`, else the one of scripts/get-electron. */
export async function openElectronHost(): Promise<ElectronHost> {
  await ensureBuilt({ node: process.execPath, root: ROOT });
  const given = process.env.TUNESMITH_ELECTRON;
  const dist = given
    ? path.dirname(given)
    : execFileSync(path.join(ROOT, 'scripts', 'get-electron'), { encoding: 'utf8' }).trim();
  const own = mkdtempSync(path.join(tmpdir(), 'tunesmith-electron-'));
  cpSync(dist, own, { recursive: true });
  const place = path.join(own, 'resources', 'app');
  if (!existsSync(place)) symlinkSync(ROOT, place);
  const file = path.join(own, 'electron');
  const command = (home: string) => ({
    file,
    args: ARGS,
    env: { ...process.env, TUNESMITH_HOME: home, TUNESMITH_NODE: process.execPath },
  });
  return {
    name: 'Electron',
    command,
    open: (home) => openApp(command(home)),
    dispose: async () => rmSync(own, { recursive: true, force: true }),
  };
}

async function openApp({ file, args, env }: ReturnType<ElectronHost['command']>): Promise<OpenElectron> {
  const app = await _electron.launch({
    executablePath: file,
    args: [...args],
    env: env as Record<string, string>,
    timeout: LAUNCH_TIMEOUT_MS,
  });
  const page = await app.firstWindow();
  const faults = watchFaults(page);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  const main = app.process();
  const pid = main.pid ?? 0;
  const hasEnded = () => main.exitCode !== null || main.signalCode !== null;
  const ended = new Promise((resolve) => (hasEnded() ? resolve(null) : main.once('exit', resolve)));
  const core = () => findDescendant(pid, 'core-process');
  return {
    app,
    page,
    faults,
    pid,
    core,
    async chooseFiles(ask, files) {
      await app.evaluate(
        ({ dialog }, filePaths) => {
          dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths });
        },
        [...files],
      );
      await ask();
    },
    async close() {
      if (hasEnded()) return;
      await app.evaluate(({ app: electron }) => electron.quit()).catch(() => {});
      await ended;
    },
    async kill() {
      killAll([pid, ...descendantsOf(pid)]);
      await ended;
    },
    killCore: () => killAll([core() ?? 0].filter(Boolean)),
    mendsCore: true,
  };
}
