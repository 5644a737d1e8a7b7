/**
 * @file The launcher is invisible: exit codes and signals pass through, and its death ends the program that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const RUN_NODE = pathToFileURL(path.resolve(import.meta.dirname, '../../../scripts/launch/run-node.mjs')).href;
/** Prints its id and each signal that it gets, SIGTERM ends it with 7; it never ends by itself. */
const PROGRAM = `
let interrupts = 0;
process.on('SIGINT', () => console.log('interrupt ' + ++interrupts));
process.on('SIGTERM', () => { console.log('terminated'); process.exit(7); });
setInterval(() => {}, 1000);
console.log('pid ' + process.pid);
`;

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-launch-'));
  writeFileSync(path.join(folder, 'program.mjs'), PROGRAM);
  writeFileSync(path.join(folder, 'exit.mjs'), 'process.exit(Number(process.argv[2]));');
});

afterAll(() => rmSync(folder, { recursive: true }));

it.each([0, 3, 130])('passes exit code %i on', async (code) => {
  expect(await launch('exit.mjs', [String(code)]).ended).toEqual({ code, signal: null });
});

it('forwards SIGTERM once and ends as the program ends', async () => {
  const run = launch('program.mjs');
  await run.read(/pid (\d+)/);
  run.child.kill('SIGTERM');
  expect(await run.ended).toEqual({ code: 7, signal: null });
  expect(run.output().match(/terminated/g)).toHaveLength(1);
});

it('forwards an interrupt and lets the program decide to go on', async () => {
  const run = launch('program.mjs');
  await run.read(/pid (\d+)/);
  run.child.kill('SIGINT');
  await run.read(/interrupt 1/);
  run.child.kill('SIGTERM');
  expect((await run.ended).code).toBe(7);
});

it('ends with the signal that killed the program', async () => {
  const run = launch('program.mjs');
  const [, pid] = await run.read(/pid (\d+)/);
  process.kill(Number(pid), 'SIGKILL');
  expect(await run.ended).toEqual({ code: null, signal: 'SIGKILL' });
});

it('leaves no orphan when it is killed itself', async () => {
  const run = launch('program.mjs');
  await run.read(/pid (\d+)/);
  run.child.kill('SIGKILL');
  await run.read(/terminated/);
});

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly output: () => string;
  /** Waits until the output matches; fails when the output closes without a match. */
  readonly read: (pattern: RegExp) => Promise<RegExpExecArray>;
}

function launch(name: string, args: readonly string[] = []): Launched {
  const call = JSON.stringify([process.execPath, [path.join(folder, name), ...args], { watchParent: true }]);
  const code = `const { becomeNode } = await import(${JSON.stringify(RUN_NODE)}); await becomeNode(...${call});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('exit', (exitCode, signal) => resolve({ code: exitCode, signal }));
  });
  const read = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text);
        if (match) resolve(match);
        return match !== null;
      };
      if (look()) return;
      child.stdout.on('data', look);
      child.stdout.on('end', () => look() || reject(new Error(`no ${String(pattern)} in: ${text}`)));
    });
  return { child, ended, output: () => text, read };
}
