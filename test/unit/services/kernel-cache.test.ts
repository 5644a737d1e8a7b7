import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kernelCacheVariables } from '../../../src-main/services/kernel-cache.ts';
import type { InstalledRuntime } from '../../../src-main/services/runtime-locator.ts';

let cache = '';
beforeEach(() => (cache = mkdtempSync(path.join(tmpdir(), 'tunesmith-kernels-'))));
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const runtime = { dir: '/runtimes/tensorflow-cpu-9.9.9' } as InstalledRuntime;
const variables = (env: NodeJS.ProcessEnv = {}, given: InstalledRuntime | null = runtime) =>
  kernelCacheVariables({ TUNESMITH_CACHE: cache, ...env }, given);
const folderNow = async () => (await variables())['TUNESMITH_KERNEL_CACHE']!;

describe('the folder of kept kernels', () => {
  it('is there, in the cache, one for each runtime on this processor', async () => {
    const folder = await folderNow();
    expect(path.dirname(folder)).toBe(path.join(cache, 'kernels'));
    expect(path.basename(folder)).toMatch(/^tensorflow-cpu-9\.9\.9-[0-9a-f]{12}$/);
    expect(readdirSync(folder)).toEqual([]);
    expect(await folderNow()).toBe(folder);
    const other = await variables({}, { ...runtime, dir: '/runtimes/tensorflow-cpu-9.9.10' });
    expect(other['TUNESMITH_KERNEL_CACHE']).not.toBe(folder);
    // XLA compiles otherwise with other flags.
    const flagged = await variables({ XLA_FLAGS: '--xla_cpu_enable_fast_math=true' });
    expect(flagged['TUNESMITH_KERNEL_CACHE']).not.toBe(folder);
  });

  it('is the user’s own where one is named, or none, and not there without TensorFlow', async () => {
    expect(await variables({ TUNESMITH_KERNEL_CACHE: '' })).toEqual({});
    expect(await variables({ TUNESMITH_KERNEL_CACHE: '/elsewhere' })).toEqual({});
    expect(await variables({ TF_XLA_FLAGS: '--tf_xla_auto_jit=1' })).toEqual({});
    expect(await variables({}, null)).toEqual({});
    expect(readdirSync(cache)).toEqual([]);
  });

  it('is done without where it cannot be made', async () => {
    writeFileSync(path.join(cache, 'kernels'), 'a file in its place');
    expect(await variables()).toEqual({});
  });

  it('loses its oldest files where they take too much', async () => {
    const folder = await folderNow();
    mkdirSync(folder, { recursive: true });
    for (let age = 0; age < 8; age += 1) {
      const file = path.join(folder, `${age}.pb`);
      writeFileSync(file, '');
      truncateSync(file, 10e6);
      utimesSync(file, 1e6 - age, 1e6 - age);
    }
    await folderNow();
    expect(readdirSync(folder)).toEqual(['0.pb', '1.pb', '2.pb']);
  });
});
