/**
 * @file Where a journey is played: the app on a home of its own, in whatever shows it. One description of a journey serves all hosts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, vi } from 'vitest';

/** What a page did wrong: what the console calls an error, and exceptions that nobody caught. */
export type Faults = readonly string[];

export interface OpenedApp {
  readonly page: Page;
  readonly faults: Faults;
  /** Brings up the choice of files by `ask`, and makes it. */
  chooseFiles(ask: () => Promise<void>, files: readonly string[]): Promise<void>;
  /** Closes it as a person does. */
  close(): Promise<void>;
  /** Ends the app, core and every job at once, as a power cut does. */
  kill(): Promise<void>;
  /** Ends core alone, as a fault of ours does. */
  killCore(): void;
  /** True where core is started again by itself, and the window goes on. */
  readonly mendsCore: boolean;
}

/** A way to have the app before one: Debian's Chromium over `serve`, or Electron. */
export interface Host {
  readonly name: string;
  /** @param home folder of the app; kept by the caller */
  open(home: string): Promise<OpenedApp>;
  dispose(): Promise<void>;
}

export interface Stage {
  readonly host: Host;
  readonly home: string;
  readonly app: OpenedApp;
  readonly page: Page;
  /** Opens the app again on the same home, after it was closed or killed. */
  reopen(): Promise<Page>;
}

/** A time-out only ends what hangs: a busy machine takes ten times as long. */
const SLOW_MACHINE_MS = 300_000;
const SLOW_STEP_MS = 120_000;

/** Homes lie in places of any name. */
const HOME_NAME = `tunesmith's "größte" 100% #1 空-`;

/** Registers what opens the app before the tests of this file and closes it after them; no page may have had a fault at the end. */
export function setStage(makeHost: () => Promise<Host>): Stage {
  vi.setConfig({ testTimeout: SLOW_MACHINE_MS });
  let host: Host;
  let app: OpenedApp;
  let home = '';
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), HOME_NAME));
    host = await makeHost();
    app = await host.open(home);
  }, 300_000);
  afterAll(async () => {
    const { faults } = app;
    await app.close();
    await host.dispose();
    rmSync(home, { recursive: true, force: true });
    expect(faults).toEqual([]);
  }, 60_000);
  return {
    get host() {
      return host;
    },
    get home() {
      return home;
    },
    get app() {
      return app;
    },
    get page() {
      return app.page;
    },
    async reopen() {
      app = await host.open(home);
      return app.page;
    },
  };
}

/** Collects the faults of a page from now on, and gives it time. */
export function watchFaults(page: Page): Faults {
  page.setDefaultTimeout(SLOW_STEP_MS);
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  return faults;
}
