/**
 * @file The folder in which jobs keep compiled kernels (engine/device/kernel-cache.ts): one for each runtime, processor and way to
 * compile, since the code is for these alone. It is a convenience: where it cannot be had, kernels are compiled in every run.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { KERNEL_CACHE_VARIABLE, xlaFlags } from '../engine/device/kernel-cache.ts';
import { cacheFolder } from './app-paths.ts';
import type { InstalledRuntime } from './runtime-locator.ts';

/** A few thousand kernels; above it the oldest go, down to half. */
const MOST_BYTES = 64e6;
/** A run that cannot write a kernel fails, so the disk must have room to spare. */
const FREE_BYTES = 512e6;

/**
 * What a job gets in its environment.
 * @param env `TUNESMITH_KERNEL_CACHE` (a folder, or empty for none) and TF_XLA_FLAGS of the user's own win
 */
export async function kernelCacheVariables(
  env: NodeJS.ProcessEnv,
  runtime: InstalledRuntime | null,
): Promise<Readonly<Record<string, string>>> {
  if (runtime === null || env[KERNEL_CACHE_VARIABLE] !== undefined || env.TF_XLA_FLAGS !== undefined) return {};
  try {
    const folder = path.join(cacheFolder(env), 'kernels', `${path.basename(runtime.dir)}-${await keyOf(env)}`);
    await mkdir(folder, { recursive: true });
    if ((await freeBytesOf(folder)) < FREE_BYTES) return {};
    await prune(folder);
    return { [KERNEL_CACHE_VARIABLE]: folder };
  } catch {
    return {};
  }
}

/** The processor's model and abilities, which another machine with the same folder may not have, and XLA's flags, which it does not compare. */
async function keyOf(env: NodeJS.ProcessEnv): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const lines = text.match(/^(?:model name|flags|Features|CPU part)\s*:.*$/gm) ?? [];
  const facts = [xlaFlags(env), process.arch, cpus()[0]?.model ?? '', ...new Set(lines)].join('\n');
  return createHash('sha256').update(facts).digest('hex').slice(0, 12);
}

async function prune(folder: string): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      const { size, mtimeMs } = await stat(file);
      return { file, size, mtimeMs };
    }),
  );
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= MOST_BYTES) return;
  for (const { file, size } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (bytes <= MOST_BYTES / 2) break;
    await rm(file, { force: true });
    bytes -= size;
  }
}
