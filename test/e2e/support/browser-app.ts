/**
 * @file The app as a browser has it: `tunesmith serve` as a process of its own on a home of its own, and Debian's Chromium before it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensureBuilt } from '../../../scripts/launch/build-app.mjs';
import { descendantsOf, killAll } from './processes.ts';
import { type Faults, type Host, type OpenedApp, watchFaults } from './stage.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const CLI = path.join(ROOT, 'src-main', 'cli', 'main.ts');
const BROWSER = process.env.TUNESMITH_CHROMIUM ?? '/usr/bin/chromium';
const BROWSER_ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

export interface Server {
  readonly url: string;
  readonly pid: number;
  /** Ends it as Ctrl-C does: the run at work is saved. */
  close(): Promise<void>;
  /** Ends it and the jobs that it started at once, as a power cut does. */
  kill(): Promise<void>;
  /** Ends it alone, without a word to its jobs. */
  killCore(): void;
}

export interface ServerOptions {
  /** Where the person may look around, beside the home. */
  readonly folders?: readonly string[];
  /** 0 = any free one. */
  readonly port?: number;
  /** Another user to run as, by number; only root may say so. */
  readonly user?: number;
}

export async function startServer(home: string, options: ServerOptions = {}): Promise<Server> {
  const { folders = [], port = 0, user } = options;
  await ensureBuilt({ node: process.execPath, root: ROOT });
  const places = folders.flatMap((folder) => ['--folder', folder]);
  const child = spawn(process.execPath, [CLI, 'serve', '--port', String(port), '--json', ...places], {
    env: { ...process.env, TUNESMITH_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(user !== undefined && { uid: user, gid: user }),
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await readUrl(child);
  const pid = child.pid ?? 0;
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    pid,
    close: () => end('SIGINT'),
    kill() {
      killAll([pid, ...descendantsOf(pid)]);
      return ended;
    },
    killCore: () => void end('SIGKILL'),
  };
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: BROWSER, args: BROWSER_ARGS });
}

export interface OpenPageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
}

export interface WatchedPage {
  readonly page: Page;
  readonly faults: Faults;
}

/** A window of its own, as of another person. @returns when the first screen is there */
export async function openPage(browser: Browser, url: string, options: OpenPageOptions = {}): Promise<WatchedPage> {
  const { width = 1440, height = 900, theme = 'light' } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const faults = watchFaults(page);
  // Listened to from the start: a listening that begins with the question can come too late for it.
  page.on('filechooser', () => {});
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  return { page, faults };
}

/** @param options of each page that is opened */
export async function openBrowserHost(options: OpenPageOptions & ServerOptions = {}): Promise<Host> {
  const browser = await launchBrowser();
  return {
    name: 'Chromium over serve',
    open: (home) => openInBrowser(browser, home, options),
    dispose: () => browser.close(),
  };
}

async function openInBrowser(
  browser: Browser,
  home: string,
  options: OpenPageOptions & ServerOptions,
): Promise<OpenedApp> {
  const server = await startServer(home, options);
  const { page, faults } = await openPage(browser, server.url, options);
  const leave = () => page.context().close();
  return {
    page,
    faults,
    async chooseFiles(ask, files) {
      const chooser = page.waitForEvent('filechooser');
      await ask();
      await (await chooser).setFiles([...files]);
    },
    async close() {
      await leave();
      await server.close();
    },
    async kill() {
      await server.kill();
      await leave();
    },
    killCore: () => server.killCore(),
    mendsCore: false,
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { event: string; url?: string };
    if (event.event === 'ready' && event.url) return event.url;
  }
  throw new Error('tunesmith serve ended before it was ready');
}
