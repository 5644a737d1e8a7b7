/**
 * @file The machine a result belongs to, and whether it is quiet enough to measure on.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Cores' worth of other work above which a figure would say more about that work. */
const MOST_BUSY_CORES = 0.3;
const LOOK_MS = 2000;
const WAIT_MS = 180_000;
/** Instruction sets that decide the speed of products. */
const FLAGS = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_bf16'];

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly threads: number;
  readonly flags: readonly string[];
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  /** Name and driver of the graphics card that both sides ran on; left out = on the processor. */
  readonly card?: string;
  readonly date: string;
  /** Whether other work was kept away. */
  readonly quiet: boolean;
}

/** @param card see `MachineFacts` */
export function describeMachine(threads: number, quiet: boolean, card: string | null): MachineFacts {
  const present = new Set(
    readFileSync('/proc/cpuinfo', 'utf8')
      .match(/^flags.*$/m)?.[0]
      .split(/\s+/) ?? [],
  );
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    threads,
    flags: FLAGS.filter((flag) => present.has(flag)),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    commit: describeCommit(),
    ...(card !== null && { card }),
    date: new Date().toISOString(),
    quiet,
  };
}

/** BENCH_COMMIT says it where the sources are a copy without their history. */
function describeCommit(): string {
  const told = process.env['BENCH_COMMIT'];
  if (told) return told;
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const isDirty = git('status', '--porcelain', 'src-main') !== '';
  return git('rev-parse', '--short', 'HEAD') + (isDirty ? ' + changes' : '');
}

/** Waits, at most three minutes, until other work leaves the machine. @returns whether it did. */
export async function waitForQuiet(): Promise<boolean> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    if ((await measureBusyCores()) <= MOST_BUSY_CORES) return true;
    if (Date.now() > deadline) return false;
  }
}

async function measureBusyCores(): Promise<number> {
  const before = readBusySeconds();
  await sleep(LOOK_MS);
  return ((readBusySeconds() - before) * 1000) / LOOK_MS;
}

/** Seconds all cores together have worked since the machine started. */
function readBusySeconds(): number {
  const [, user = 0, nice = 0, system = 0] = (/^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0] ?? '')
    .split(/\s+/)
    .map(Number);
  const ticksPerSecond = 100;
  return (user + nice + system) / ticksPerSecond;
}

/** Prefix that ties a command to the first `threads` cores, empty where there is no taskset. */
export function pinPrefix(threads: number): string[] {
  const taskset = ['/usr/bin/taskset', '/bin/taskset'].find((file) => existsSync(file));
  return taskset === undefined ? [] : [taskset, '-c', threads === 1 ? '0' : `0-${threads - 1}`];
}

/** The same number of threads for every library that an arm may use. */
export function threadEnvironment(threads: number): Record<string, string> {
  const names = ['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'];
  return Object.fromEntries(names.map((name) => [name, String(threads)]));
}
