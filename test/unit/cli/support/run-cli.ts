/** @file Runs the command line program as a shell does: arguments in, two streams and an exit code out. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FAKE_MAIN = fileURLToPath(new URL('./fake-main.ts', import.meta.url));
export const REAL_MAIN = fileURLToPath(new URL('../../../../src-main/cli/main.ts', import.meta.url));

export type Line = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of --json. Throws where stdout holds anything else. */
  lines(): Line[];
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly end: Promise<CliEnd>;
  /** Waits until stdout (or stderr) has the text. */
  waitFor(text: string): Promise<void>;
}

export interface CliOptions {
  readonly home: string;
  readonly main?: string;
  readonly cwd?: string;
  /** A process group of its own, so that the group can be killed. */
  readonly detached?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const { home, main = FAKE_MAIN, cwd, detached = false, env } = options;
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    detached,
    env: { ...process.env, TUNESMITH_HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      listeners.forEach((listener) => listener());
    });
  }
  const end = new Promise<CliEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output, lines: () => parseLines(output.stdout) }));
  });
  const waitFor = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!(output.stdout + output.stderr).includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      void end.then(() => reject(new Error(`ended without "${text}": ${output.stdout}${output.stderr}`)));
      look();
    });
  return { child, end, waitFor };
}

export function runCliToEnd(args: readonly string[], options: CliOptions): Promise<CliEnd> {
  return startCli(args, options).end;
}

function parseLines(text: string): Line[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('stdout does not end with a line end');
  return lines.map((line) => JSON.parse(line) as Line);
}
