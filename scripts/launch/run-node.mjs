/**
 * @file Runs a program under Node 24 as if it had been started directly: same terminal, same signals, same exit code.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Signals that end a program and that only the started process may get (`kill PID`, a service manager, npm). */
const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
/** npm and a process group may both deliver one Ctrl-C; closer together than this they count as one. */
const SAME_SIGNAL_MS = 500;

/**
 * @typedef {object} RunNodeOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [watchParent] the program gets SIGTERM when this process dies, even by SIGKILL
 */

/**
 * Starts Node with the arguments and ends this process as the program ended. Does not return.
 * @param {string} node path of the Node binary
 * @param {string[]} args script and its arguments
 * @param {RunNodeOptions} [options]
 * @returns {Promise<never>}
 */
export async function becomeNode(node, args, options = {}) {
  const { code, signal } = await runNode(node, args, options);
  if (signal) process.kill(process.pid, signal);
  // A signal that does not end us (or arrives late) must not look like success.
  process.exit(code ?? 1);
}

/**
 * @param {string} node
 * @param {string[]} args
 * @param {RunNodeOptions} [options]
 * @returns {Promise<{code: number | null, signal: NodeJS.Signals | null}>}
 */
export function runNode(node, args, { env = process.env, watchParent = false } = {}) {
  const watched = watchParent ? ['--import', new URL('./end-with-parent.mjs', import.meta.url).href, ...args] : args;
  const child = spawn(node, watched, {
    stdio: watchParent ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
    env: watchParent ? { ...env, TUNESMITH_END_WITH_PARENT: '1' } : env,
  });
  const stopForwarding = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      stopForwarding();
      resolve({ code, signal });
    });
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} takes the handlers away again
 */
function forwardSignals(child) {
  /** @type {Map<NodeJS.Signals, number>} */
  const lastMs = new Map();
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    const nowMs = Date.now();
    const repeated = nowMs - (lastMs.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
    lastMs.set(signal, nowMs);
    if (repeated || (signal === 'SIGINT' && isTerminalForeground())) return;
    child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => FORWARDED.forEach((signal) => process.off(signal, forward));
}

/**
 * In the foreground of a terminal, Ctrl-C reaches the child by itself; sending it again would look like a second Ctrl-C.
 * Linux tells by proc(5) stat fields 5 (process group), 7 (terminal) and 8 (its foreground group).
 */
function isTerminalForeground() {
  if (process.platform !== 'linux') return Boolean(process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY);
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return terminal !== '0' && group === foreground;
}
