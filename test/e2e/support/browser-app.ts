/**
 * @file The app as a browser has it: `tunesmith serve` as a process of its own on a home of its own, and Debian's Chromium before it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ensureBuilt } from '../../../scripts/launch/build-app.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const CLI = path.join(ROOT, 'src-main', 'cli', 'main.ts');
const BROWSER = process.env.TUNESMITH_CHROMIUM ?? '/usr/bin/chromium';
const BROWSER_ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

export interface Server {
  readonly url: string;
  /** Ends it as Ctrl-C does: the run at work is saved. */
  close(): Promise<void>;
  /** Ends it and the jobs that it started at once, as a power cut does. */
  kill(): Promise<void>;
}

/** @param folders where the person may look around, beside the home */
export async function startServer(home: string, folders: readonly string[] = []): Promise<Server> {
  await ensureBuilt({ node: process.execPath, root: ROOT });
  const args = [CLI, 'serve', '--port', '0', '--json', ...folders.flatMap((folder) => ['--folder', folder])];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TUNESMITH_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await readUrl(child);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url,
    async close() {
      child.kill('SIGINT');
      await ended;
    },
    async kill() {
      const jobs = descendantsOf(child.pid ?? 0);
      child.kill('SIGKILL');
      for (const pid of jobs) killIfThere(pid);
      await ended;
    },
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

/** A page whose faults fail the test: what the console calls an error, and exceptions that nobody caught. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: readonly string[];
}

/** @returns when the first screen is there */
export async function openPage(browser: Browser, url: string, options: OpenPageOptions = {}): Promise<WatchedPage> {
  const { width = 1440, height = 900, theme = 'light' } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  return { page, faults };
}

async function readUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { event: string; url?: string };
    if (event.event === 'ready' && event.url) return event.url;
  }
  throw new Error('tunesmith serve ended before it was ready');
}

/** By /proc, so that a job that outlives its parent is found too. */
function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) }));
  const children = parents.filter(({ parent }) => parent === pid).map((child) => child.pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: number): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  try {
    return Number(
      readFileSync(file, 'utf8')
        .replace(/^.*\) \S /s, '')
        .split(' ')[0],
    );
  } catch {
    return 0;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
