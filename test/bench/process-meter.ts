/**
 * @file Runs a program that prints one JSON line per step and measures it from outside: when each line came, and how much
 * memory the program and all its children took at most.
 *
 * The kernel keeps each process's own peak (VmHWM in /proc/<pid>/status), so looking four times a second misses no peak but
 * what a process adds in its last quarter second.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { watchCard } from './card-meter.ts';

const LOOK_MS = 250;

export interface MeteredEvent {
  /** Milliseconds since the program was started. */
  readonly atMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface MeteredRun {
  readonly code: number | null;
  readonly events: readonly MeteredEvent[];
  readonly stderr: string;
  readonly wallMs: number;
  /** Sum of the peaks of all processes of the tree: what the whole program can have needed at once. */
  readonly treePeakBytes: number;
  /** Peak of the largest one. */
  readonly largestPeakBytes: number;
  /** Most memory of the first graphics card in use, less what was in use before; null = not watched. */
  readonly cardPeakBytes: number | null;
}

/** Runs the command to its end. Lines that are no JSON objects are kept out of the events. */
export async function runMetered(
  command: readonly string[],
  env: Record<string, string>,
  { watchesCard = false } = {},
): Promise<MeteredRun> {
  const [program = '', ...args] = command;
  const card = watchesCard ? await watchCard() : null;
  const started = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const peaks = new Map<number, number>();
  const look = () => updatePeaks(child.pid, peaks);
  const timer = setInterval(look, LOOK_MS);
  const events: MeteredEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const atMs = performance.now() - started;
    look();
    const body = parseObject(line);
    if (body !== null) events.push({ atMs, body });
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-20_000)));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const bytes = [...peaks.values()];
    return {
      code,
      events,
      stderr,
      wallMs: performance.now() - started,
      treePeakBytes: bytes.reduce((sum, peak) => sum + peak, 0),
      largestPeakBytes: Math.max(0, ...bytes),
      cardPeakBytes: card?.peakBytes() ?? null,
    };
  } finally {
    clearInterval(timer);
    card?.stop();
  }
}

/** null: something else that a library printed. */
function parseObject(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function updatePeaks(root: number | undefined, peaks: Map<number, number>): void {
  if (root === undefined) return;
  for (const pid of listTree(root)) {
    const peak = readPeakBytes(pid);
    if (peak !== null) peaks.set(pid, Math.max(peak, peaks.get(pid) ?? 0));
  }
}

/** The process and all its descendants. */
function listTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? readParent(Number(name)) : null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** null: the process has ended meanwhile. */
function readParent(pid: number): number | null {
  const text = readProcFile(pid, 'stat');
  // The name in brackets may hold spaces; the parent is the second field after it.
  return text === null ? null : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

function readPeakBytes(pid: number): number | null {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readProcFile(pid, 'status') ?? '')?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

function readProcFile(pid: number, name: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
