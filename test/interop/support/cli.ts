/**
 * @file Drives our side of every interop test the way a user's script would: `node scripts/tunesmith.mjs … --json`.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const REPO_ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** One line of `--json` output. */
export type CliEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface CliRun {
  readonly code: number | null;
  readonly events: readonly CliEvent[];
  readonly stderr: string;
}

/** Runs one command to its end; a failing one is returned, not thrown. @throws when stdout holds anything but JSON lines. */
export async function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const child = spawn(process.execPath, ['scripts/tunesmith.mjs', ...args, '--json'], {
    cwd: REPO_ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const lines = output.stdout.split('\n').filter((line) => line !== '');
  return { code, events: lines.map((line) => JSON.parse(line) as CliEvent), stderr: output.stderr };
}

/** Runs a command that must succeed and gives its events. @throws with what it printed otherwise. */
export async function expectCli(args: readonly string[]): Promise<readonly CliEvent[]> {
  const run = await runCli(args);
  if (run.code === 0) return run.events;
  const last = JSON.stringify(run.events.at(-1) ?? null);
  throw new Error(`tunesmith ${args.join(' ')}\nended with ${run.code}\n${last}\n${run.stderr.slice(-4000)}`);
}

/** The figures of all `step` events under one name, in order. */
export function stepFigures(events: readonly CliEvent[], name: 'loss' | 'learning_rate' | 'grad_norm'): number[] {
  return events.filter(({ event }) => event === 'step').map((event) => Number(event[name]));
}
