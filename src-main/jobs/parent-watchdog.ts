/**
 * @file Worker thread of a job that ends the whole process when the parent has been gone for the grace time.
 *
 * The job's own thread learns of the parent's end from its closed channel and saves a checkpoint, but it may be blocked in a long
 * call into TensorFlow, or in a loop that never ends; a thread of its own is not.
 */
import { workerData } from 'node:worker_threads';

const LOOK_MS = 250;
const { parentPid, graceMs } = workerData as { parentPid: number; graceMs: number };
let goneSince: number | null = null;

setInterval(() => {
  goneSince ??= isParentAlive() ? null : performance.now();
  if (goneSince !== null && performance.now() - goneSince > graceMs) process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);

/** A process whose parent ends is given to another one; Windows keeps the old number instead. */
function isParentAlive(): boolean {
  if (process.platform !== 'win32') return process.ppid === parentPid;
  try {
    return process.kill(parentPid, 0);
  } catch {
    return false;
  }
}
