/**
 * @file One set-up at a time per cache: a lock file that names its owner and the tools that the owner started.
 *
 * A killed set-up leaves its lock behind; the next one sees that the owner is gone, ends what the owner's tools are still
 * writing (an orphaned `npm ci` would fight the new one) and takes over. The file appears whole: it is written beside and
 * linked into place, which fails if somebody else was first.
 */
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canWriteFolder } from './disk-space.mjs';
import { explainFileError, notWritable } from './failure.mjs';
import { identifyProcess, isProcessAlive } from './process-identity.mjs';

/** @typedef {import('./process-identity.mjs').ProcessIdentity} ProcessIdentity */
/** @typedef {ProcessIdentity & {host: string, since: string, children: ProcessIdentity[]}} LockRecord */
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
  const own = { ...identifyProcess(process.pid), host: hostname(), since: new Date().toISOString(), children: [] };
  let told = false;
  let torn = '';
  for (;;) {
    signal.throwIfAborted();
    if (await tryCreate(file, own)) return holdLock(file, own);
    const seen = await readLock(file);
    if (seen === null) continue;
    if (seen.record === null && torn !== seen.text + file) {
      torn = seen.text + file; // perhaps it is being written just now: look again once
      await sleep(POLL_MS, undefined, { signal });
      continue;
    }
    if (isStale(seen.record)) {
      await takeOver(file, seen.text);
      continue;
    }
    if (!told) onWait(describeWait(seen.record, file));
    told = true;
    await sleep(POLL_MS, undefined, { signal });
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
 * @param {string} file
 * @param {LockRecord} own
 * @returns {Promise<boolean>}
 */
async function tryCreate(file, own) {
  const draft = `${file}.${process.pid}`;
  try {
    await writeFile(draft, JSON.stringify(own));
    await linkOrCreate(draft, file, JSON.stringify(own));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw explainFileError(error, path.dirname(file));
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Some file systems have no hard links; there the file is made with the exclusive flag.
 * @param {string} draft
 * @param {string} file
 * @param {string} text
 */
async function linkOrCreate(draft, file, text) {
  try {
    await link(draft, file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    const handle = await open(file, 'wx');
    await handle.writeFile(text).finally(() => handle.close());
  }
}

/**
 * @param {string} file
 * @returns {Promise<{text: string, record: LockRecord | null} | null>} null: it has gone; record null: it is torn
 */
async function readLock(file) {
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw explainFileError(error, file);
  }
  try {
    return { text, record: /** @type {LockRecord} */ (JSON.parse(text)) };
  } catch {
    return { text, record: null };
  }
}

/** @param {LockRecord | null} record */
function isStale(record) {
  if (record === null || typeof record.pid !== 'number') return true;
  if (record.host !== hostname()) return Date.now() - Date.parse(record.since) > FOREIGN_LOCK_MS;
  return !isProcessAlive(record);
}

/**
 * Removes a lock whose owner is gone. Moving it away first makes sure that only one waiter removes it; if the moved file
 * turns out to be a newer lock, it goes back.
 * @param {string} file
 * @param {string} expected its text when it was judged stale
 */
async function takeOver(file, expected) {
  const aside = `${file}.stale-${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw explainFileError(error, file);
  }
  const moved = await readLock(aside);
  if (moved && moved.text !== expected && moved.record && !isStale(moved.record)) {
    await linkOrCreate(aside, file, moved.text).catch(() => {});
  } else {
    await endOrphans(moved?.record?.host === hostname() ? moved.record.children : []);
  }
  await rm(aside, { force: true });
}

/** @param {ProcessIdentity[]} children */
async function endOrphans(children) {
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
