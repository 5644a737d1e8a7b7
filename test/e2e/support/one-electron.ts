/**
 * @file One Electron for all tests of a file, on a home of its own that is gone afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type ElectronHost, openElectronHost, type OpenElectron } from './electron-app.ts';

export interface OneElectron {
  readonly host: ElectronHost;
  readonly home: string;
  /** A test that starts the app anew puts the new one here. */
  open: OpenElectron;
}

/** Called where a file begins. @param fill puts into the home what its tests need. @returns what is there once the tests run */
export function useOneElectron(fill: (home: string) => Promise<void> = async () => {}): OneElectron {
  const one = {} as { host: ElectronHost; home: string; open: OpenElectron };
  beforeAll(async () => {
    one.host = await openElectronHost();
    one.home = mkdtempSync(path.join(tmpdir(), 'tunesmith-e2e-'));
    await fill(one.home);
    one.open = await one.host.open(one.home);
  }, 300_000);
  afterAll(async () => {
    await one.open.close();
    await one.host.dispose();
    rmSync(one.home, { recursive: true, force: true });
  }, 60_000);
  return one;
}
