/**
 * @file A temporary folder per suite, removed after it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

/** Makes the folder now; KEEP_INTEROP=1 leaves it for a look at what a failing case wrote. */
export function makeWorkFolder(suite: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `tunesmith-interop-${suite}-`));
  afterAll(() => {
    if (process.env.KEEP_INTEROP !== '1') rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
