/**
 * @file Tells whether a process id still means the process that was meant.
 *
 * Ids are reused, so an id is kept together with the start time of its process. Linux has that in /proc (ticks since boot);
 * elsewhere `ps` prints it. Where neither answers, only the id is compared.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @typedef {{pid: number, started: string | null}} ProcessIdentity */

/**
 * @param {number} pid
 * @returns {ProcessIdentity}
 */
export function identifyProcess(pid) {
  return { pid, started: startTimeOf(pid) };
}

/**
 * @param {ProcessIdentity} identity
 * @returns {boolean} false once the process has ended, also when its id was given to another one
 */
export function isProcessAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists, but belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const now = startTimeOf(pid);
  return now === null ? process.platform !== 'linux' : started === null || started === now;
}

/**
 * @param {number} pid
 * @returns {string | null}
 */
function startTimeOf(pid) {
  try {
    if (process.platform === 'linux') return linuxStartTime(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    if (process.platform === 'win32') return null;
    const printed = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return printed || null;
  } catch {
    return null;
  }
}

/**
 * Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces and brackets. A zombie counts as ended.
 * @param {string} stat
 */
function linuxStartTime(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}
