/**
 * @file One set-up at a time per cache: a lock file that names its owner and the tools that the owner started.
 *
 * A killed set-up leaves its lock behind; the next one sees that the owner is gone, ends what the owner's tools are still
 * writing (an orphaned `npm ci` would fight the new one) and takes over (lock-file.mjs).
 */
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canWriteFolder } from './disk-space.mjs';
import { explainFileError, notWritable } from './failure.mjs';
import { createExclusively, isLeftTorn, readLockText, removeStaleLock } from './lock-file.mjs';
import { identifyProcess, isProcessAlive } from './process-identity.mjs';

/** @typedef {import('./process-identity.mjs').ProcessIdentity} ProcessIdentity */
/** @typedef {ProcessIdentity & {host: string, since: string, nonce: string, children: ProcessIdentity[]}} LockRecord */
/** @typedef {{addChild: (pid: number) => void, removeChild: (pid: number) => void, release: () => void}} HeldLock */

const POLL_MS = 300;
/** An owner on another host (shared home folder) cannot be asked whether it lives; set-up never takes this long. */
const FOREIGN_LOCK_MS = 60 * 60 * 1000;

/**
 * Waits until the lock is ours.
 * @param {string} file absolute path of the lock file; its folder is made
 * @param {{onWait: (text: string) => void, signal: AbortSignal}} options onWait is told once, in words
 * @returns {Promise<HeldLock>} release it on every way out
 * @throws {import('./failure.mjs').SetupError} where the folder cannot be written
 */
export async function acquireLock(file, { onWait, signal }) {
  await makeFolder(path.dirname(file));
  /** @type {LockRecord} */
  const own = {
    ...identifyProcess(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
    nonce: randomUUID(),
    children: [],
  };
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const text = await explained(file, () => takeOrRead(file, own));
    if (text === undefined) return holdLock(file, own);
    if (text === null) continue;
    const record = parseRecord(text);
    if (record === null ? await isLeftTorn(file) : isStale(record)) {
      await explained(file, () => removeStaleLock(file, text, () => endOrphans(record)));
      continue;
    }
    if (!told) onWait(describeWait(record, file));
    told = true;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/**
 * @param {string} file
 * @param {LockRecord} own
 * @returns {Promise<string | null | undefined>} undefined: it is ours; else its text, null where it has just gone
 */
async function takeOrRead(file, own) {
  return (await createExclusively(file, JSON.stringify(own))) ? undefined : readLockText(file);
}

/**
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function explained(file, work) {
  try {
    return await work();
  } catch (error) {
    throw explainFileError(error, path.dirname(file));
  }
}

/**
 * Asked before it is tried: mkdir's own error on a read-only disk names a missing folder instead.
 * @param {string} folder
 */
async function makeFolder(folder) {
  if (!(await canWriteFolder(folder))) throw notWritable(folder);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw explainFileError(error, folder);
  }
}

/**
 * @param {string} text
 * @returns {LockRecord | null} null: it is torn
 */
function parseRecord(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {LockRecord} record */
function isStale(record) {
  if (typeof record.pid !== 'number') return true;
  if (record.host !== hostname()) return Date.now() - Date.parse(record.since) > FOREIGN_LOCK_MS;
  return !isProcessAlive(record);
}

/** @param {LockRecord | null} record of a lock whose owner is gone */
async function endOrphans(record) {
  const children = record?.host === hostname() ? record.children : [];
  const orphans = children.filter((child) => isProcessAlive(child));
  for (const { pid } of orphans) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the two calls.
    }
  }
  while (orphans.some((child) => isProcessAlive(child))) await sleep(50);
}

/**
 * @param {string} file
 * @param {LockRecord} own
 * @returns {HeldLock}
 */
function holdLock(file, own) {
  const save = () => {
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(own));
    renameSync(`${file}.${process.pid}`, file);
  };
  return {
    addChild(pid) {
      own.children.push(identifyProcess(pid));
      save();
    },
    removeChild(pid) {
      own.children = own.children.filter((child) => child.pid !== pid);
      save();
    },
    release: () => rmSync(file, { force: true }),
  };
}

/**
 * @param {LockRecord | null} record
 * @param {string} file
 */
function describeWait(record, file) {
  const owner = record ? `process ${record.pid}${record.host === hostname() ? '' : ` on ${record.host}`}` : 'a process';
  return `Another set-up is running (${owner}, since ${record?.since}); waiting for it. Lock: ${file}`;
}
