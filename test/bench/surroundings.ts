/**
 * @file What every part of the bench runs in: a quiet machine, pinned threads, a folder of its own, the Python peers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensurePythonEnv } from '../../scripts/python-env.mjs';
import { KERNEL_CACHE_VARIABLE } from '../../src-main/engine/device/kernel-cache.ts';
import { LARGE_PAGES } from '../../src-main/jobs/job-environment.ts';
import { readGpuFacts } from '../../src-main/services/machine-facts.ts';
import { locateRuntime } from '../../src-main/services/runtime-locator.ts';
import { pinPrefix, threadEnvironment, waitForQuiet } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { type MeteredRun, runMetered } from './process-meter.ts';

export interface Surroundings {
  /** Temporary; gone at the end. */
  readonly folder: string;
  readonly python: string;
  readonly bindingPath: string;
  /** Both sides compute on the first graphics card, where the runtime is the one for CUDA and there is a card. null = on the processor. */
  readonly card: string | null;
  readonly threads: number;
  /** Runs a program pinned to the threads' cores, once the machine is quiet. @param threads other than the plan's */
  run(what: string, command: readonly string[], settings?: RunSettings): Promise<MeteredRun>;
}

/** Of programs that do in their own process what the product does in a job's. */
export const AS_JOB: RunSettings = { env: { GLIBC_TUNABLES: LARGE_PAGES } };

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly threads?: number;
}

/** @throws what the action throws; also where other work keeps the machine busy and `--busy` is not given */
export async function withSurroundings(
  { threads, busy }: BenchOptions,
  action: (surroundings: Surroundings) => Promise<void>,
): Promise<void> {
  const python = await ensurePythonEnv();
  const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-bench-'));
  const runtime = await locateRuntime();
  if (runtime === null) throw new Error('the bench needs TensorFlow: run `npm run setup`');
  const [gpu] = runtime.kind === 'cuda' ? await readGpuFacts() : [];
  const card = gpu === undefined ? null : `${gpu.name}, driver ${gpu.driverVersion}`;
  // Every run compiles its kernels, unless an arm says otherwise.
  const home = { TUNESMITH_HOME: path.join(folder, 'home'), [KERNEL_CACHE_VARIABLE]: '' };
  try {
    await action({
      folder,
      python,
      bindingPath: runtime.bindingPath,
      card,
      threads,
      async run(what, command, settings = {}) {
        process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);
        if (!busy && !(await waitForQuiet())) {
          const fix = 'end it, or measure all the same with --busy (not written down)';
          throw new Error(`Other work keeps this machine busy; ${fix}.`);
        }
        const cores = settings.threads ?? threads;
        const env = { ...threadEnvironment(cores), ...home, ...settings.env };
        return runMetered([...pinPrefix(cores), ...command], env, { watchesCard: card !== null });
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a program said last. @throws where it failed or said nothing */
export function lastBody({ code, events, stderr }: MeteredRun, what: string): Readonly<Record<string, unknown>> {
  const last = events.at(-1);
  if (code !== 0 || last === undefined) throw new Error(`${what} ended with ${code}\n${stderr}`);
  return last.body;
}

/** Why a program ended, in one line. */
export function lastWords({ code, events, stderr }: MeteredRun): string {
  const last = events.at(-1)?.body;
  const lines = stderr.trim().split('\n');
  const text = last?.event === 'error' ? last.message : (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1));
  return `ended with ${code}: ${String(text).trim().replaceAll('|', '/').slice(0, 200)}`;
}
