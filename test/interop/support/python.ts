/**
 * @file Runs the reference side: tasks for test/interop/python/reference.py, all of a suite in one Python process.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ensurePythonEnv } from '../../../scripts/python-env.mjs';
import { REPO_ROOT } from './cli.ts';

/** `op` names a function of reference.py; the rest are its keyword arguments. */
export type ReferenceTask = { readonly op: string } & Readonly<Record<string, unknown>>;

/** Importing torch and transformers takes seconds, and a first call makes the environment. */
export const REFERENCE_TIMEOUT_MS = 15 * 60_000;
const SCRIPT = path.join(REPO_ROOT, 'test/interop/python/reference.py');
let calls = 0;

/** Runs the tasks in order. @returns what each one returned. @throws with Python's messages when one fails. */
export async function runReference(
  folder: string,
  tasks: readonly ReferenceTask[],
): Promise<Record<string, unknown>[]> {
  const python = await ensurePythonEnv();
  calls += 1;
  const spec = path.join(folder, `tasks-${calls}.json`);
  const result = path.join(folder, `results-${calls}.json`);
  await writeFile(spec, JSON.stringify(tasks));
  const child = spawn(python, [SCRIPT, spec, result], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${SCRIPT} ended with ${code}\n${output.slice(-6000)}`);
  return JSON.parse(await readFile(result, 'utf8')) as Record<string, unknown>[];
}

/** What `train` and `train_quasi_lora` return: one figure per optimizer step. */
export interface ReferenceTrace {
  readonly loss: readonly number[];
  /** The rate the step used. */
  readonly learning_rate: readonly number[];
  /** Before clipping. */
  readonly grad_norm: readonly number[];
  readonly trainable: number;
}
