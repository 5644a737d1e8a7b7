/**
 * @file How much memory this process can still take: the least of what the machine, its control groups and its own limits leave.
 *
 * Node's own figure counts the files that a control group has read as used, though the kernel gives their pages up at once; loading a
 * model would seem to eat twice its size. It also knows no `ulimit`. So on Linux both are read from /proc and /sys here.
 */
import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import path from 'node:path';

export interface FreeMemory {
  /** Bytes. */
  readonly freeBytes: number;
  /** The smallest limit below the machine's memory; null = none. */
  readonly limitBytes: number | null;
}

/** Reads a file of the system; null where it is not there. */
export type ReadText = (file: string) => string | null;

/** A limit, and how much of it is taken. */
interface Budget {
  readonly limitBytes: number;
  readonly usedBytes: number;
}

const CGROUP_ROOT = '/sys/fs/cgroup';
/** Page-aligned "no limit" of version 1, and beyond. */
const UNLIMITED = 2 ** 60;

/** @param readText for tests */
export function readFreeMemory(readText: ReadText = readSystemFile): FreeMemory {
  if (process.platform !== 'linux') return { freeBytes: process.availableMemory(), limitBytes: null };
  const budgets = [...groupBudgets(readText), ...processBudgets(readText)];
  const left = budgets.map(({ limitBytes, usedBytes }) => limitBytes - usedBytes);
  const smallest = Math.min(...budgets.map(({ limitBytes }) => limitBytes));
  return {
    freeBytes: Math.max(0, Math.min(freemem(), ...left)),
    limitBytes: smallest < totalmem() ? smallest : null,
  };
}

/** `readFreeMemory` in short. */
export const freeMemoryBytes = (): number => readFreeMemory().freeBytes;

/**
 * How many processes the kernel has ended for want of memory, in this control group or, where that is not told, on this machine.
 * @returns null where the system does not tell
 */
export function readOutOfMemoryKills(readText: ReadText = readSystemFile): number | null {
  if (process.platform !== 'linux') return null;
  const files = groupFolders(readText).flatMap(({ folder }) => [
    path.join(folder, 'memory.events'),
    path.join(folder, 'memory.oom_control'),
  ]);
  for (const file of [...files, '/proc/vmstat']) {
    const count = fieldOf(readText(file), 'oom_kill');
    if (count !== null) return count;
  }
  return null;
}

/** The group of this process and all above it, in both versions of control groups. */
function groupFolders(readText: ReadText): { readonly folder: string; readonly version: 1 | 2 }[] {
  const lines = readText('/proc/self/cgroup')?.trim().split('\n') ?? [];
  return lines.flatMap((line) => {
    const [, controllers = '', ...rest] = line.split(':');
    const version = controllers === '' ? 2 : 1;
    if (version === 1 && !controllers.split(',').includes('memory')) return [];
    const root = version === 2 ? CGROUP_ROOT : path.join(CGROUP_ROOT, 'memory');
    return pathsUp(rest.join(':')).map((name) => ({ folder: path.join(root, name), version }) as const);
  });
}

/** `/a/b` -> `/a/b`, `/a`, `/`. */
function pathsUp(name: string): string[] {
  const parts = name.split('/').filter(Boolean);
  return Array.from(
    { length: parts.length + 1 },
    (_, dropped) => `/${parts.slice(0, parts.length - dropped).join('/')}`,
  );
}

function groupBudgets(readText: ReadText): Budget[] {
  return groupFolders(readText).flatMap(({ folder, version }) => {
    const names =
      version === 2
        ? { limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' }
        : { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' };
    const limitBytes = numberIn(readText(path.join(folder, names.limit)));
    const usage = numberIn(readText(path.join(folder, names.usage)));
    if (limitBytes === null || usage === null) return [];
    const cache = fieldOf(readText(path.join(folder, 'memory.stat')), names.cache) ?? 0;
    return [{ limitBytes, usedBytes: usage - cache }];
  });
}

/** `ulimit -v` and `ulimit -d`. */
function processBudgets(readText: ReadText): Budget[] {
  const limits = readText('/proc/self/limits');
  const status = readText('/proc/self/status');
  return (
    [
      ['Max address space', 'VmSize:'],
      ['Max data size', 'VmData:'],
    ] as const
  ).flatMap(([limit, used]) => {
    const [, soft] = new RegExp(`^${limit}\\s+(\\d+)\\s`, 'm').exec(limits ?? '') ?? [];
    const kibibytes = fieldOf(status, used);
    return soft === undefined || kibibytes === null ? [] : [{ limitBytes: Number(soft), usedBytes: kibibytes * 1024 }];
  });
}

/** A file that holds one number; null for `max`, for version 1's way to say so, and where there is none. */
function numberIn(text: string | null): number | null {
  const value = Number(text?.trim() || 'none');
  return Number.isFinite(value) && value < UNLIMITED ? value : null;
}

/** The number of a line `name 12`. */
function fieldOf(text: string | null, name: string): number | null {
  const [, value] = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(text ?? '') ?? [];
  return value === undefined ? null : Number(value);
}

function readSystemFile(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
