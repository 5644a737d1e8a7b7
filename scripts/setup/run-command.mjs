/**
 * @file Runs a tool (npm, pip, the compiler) to its end: output collected, ended together with us, known to the lock.
 */
import { spawn } from 'node:child_process';
import { explainFileError, SetupInterrupted } from './failure.mjs';

/** @typedef {{code: number | null, stdout: string, stderr: string, missing: boolean}} CommandResult missing: no such program */
/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {AbortSignal} [signal] aborting ends the tool
 * @property {import('./lock.mjs').HeldLock} [lock] remembers the tool while it runs
 * @property {(line: string) => void} [onLine] each whole line of stdout
 * @property {number} [timeoutMs]
 */

/** Enough for any error text; a tool that prints more is cut at the front. */
const MAX_OUTPUT_CHARS = 400_000;

/**
 * @param {string} file program name or path
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<CommandResult>} also for a failing tool; code is null where a signal or the time limit ended it
 * @throws {SetupInterrupted} when the signal was aborted
 */
export async function runCommand(file, args, options = {}) {
  const { cwd, env, signal, lock, onLine, timeoutMs } = options;
  if (signal?.aborted) throw new SetupInterrupted();
  const child = spawn(file, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    windowsHide: true,
  });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  try {
    if (child.pid !== undefined) lock?.addChild(child.pid);
    const result = await collect(child, onLine);
    if (signal?.aborted) throw new SetupInterrupted();
    return result;
  } catch (error) {
    child.kill('SIGKILL');
    throw explainFileError(error, cwd ?? process.cwd());
  } finally {
    signal?.removeEventListener('abort', stop);
    if (child.pid !== undefined) lock?.removeChild(child.pid);
  }
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @param {((line: string) => void) | undefined} onLine
 * @returns {Promise<CommandResult>}
 */
function collect(child, onLine) {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    let partial = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output.stdout = (output.stdout + text).slice(-MAX_OUTPUT_CHARS);
      if (!onLine) return;
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      lines.forEach(onLine);
    });
    child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      output.stderr = (output.stderr + text).slice(-MAX_OUTPUT_CHARS);
    });
    child.on('error', (error) => {
      if ('code' in error && error.code === 'ENOENT') resolve({ code: null, ...output, missing: true });
      else reject(error);
    });
    child.on('close', (code) => resolve({ code, ...output, missing: false }));
  });
}
