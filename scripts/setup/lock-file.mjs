/**
 * @file Lock files: what all kinds of locks share. A file appears whole or not at all, and only one of many takes a stale one away.
 *
 * Who finds a stale lock may be late: another may have taken it away and hold the lock already. So a stale lock is removed under a
 * guard, a second lock file that is named after the text that was judged. A text is in one lock file once (it holds a random part),
 * its owner is gone, and nobody else may remove it; what is read again under the guard is therefore what is removed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isProcessAlive } from './process-identity.mjs';

/** Where a file system has no hard links, a lock is empty for the moment between its creation and its content. */
const TORN_MS = 1_000;
/** A guard is held for milliseconds; one of another machine, whose processes cannot be asked, is believed this long. */
const FOREIGN_GUARD_MS = 60_000;
const GUARD_POLL_MS = 10;

/**
 * Written beside, then linked, which fails if another was first.
 * @param {string} file
 * @param {string} text
 * @returns {Promise<boolean>} false where the file is there already
 */
export async function createExclusively(file, text) {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text);
    await link(draft, file).catch((error) => {
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(error.code)) throw error;
      return writeFile(file, text, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * @param {string} file
 * @returns {Promise<string | null>} null where there is no lock
 */
export async function readLockText(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return null;
    throw error;
  }
}

/**
 * Whether a lock that makes no sense was left so by a crash: it may be being written just now.
 * @param {string} file
 * @returns {Promise<boolean>}
 */
export async function isLeftTorn(file) {
  return (await ageMs(file)) > TORN_MS;
}

/**
 * Removes a lock that was judged stale, unless it has changed since. Ask for the lock again afterwards, whatever came of it.
 * @param {string} file
 * @param {string} judged its text
 * @param {() => Promise<void>} [beforeRemoval] what the lock's owner left to be done; only one process does it at a time
 */
export async function removeStaleLock(file, judged, beforeRemoval) {
  const guard = `${file}.${createHash('sha256').update(judged).digest('hex').slice(0, 16)}`;
  const own = { ...identifyProcess(process.pid), host: hostname(), nonce: randomUUID() };
  if (!(await createExclusively(guard, JSON.stringify(own)))) return giveWay(guard);
  try {
    if ((await readLockText(file)) !== judged) return;
    await beforeRemoval?.();
    await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/**
 * Another is at it; one that was killed on the way has left a guard that is itself a stale lock.
 * @param {string} guard
 */
async function giveWay(guard) {
  const text = await readLockText(guard);
  if (text === null) return;
  if (await isGuardLeft(guard, text)) await removeStaleLock(guard, text);
  else await sleep(GUARD_POLL_MS);
}

/**
 * @param {string} guard
 * @param {string} text
 */
async function isGuardLeft(guard, text) {
  const owner = parseGuard(text);
  if (owner === null) return isLeftTorn(guard);
  return owner.host === hostname() ? !isProcessAlive(owner) : (await ageMs(guard)) > FOREIGN_GUARD_MS;
}

/**
 * @param {string} text
 * @returns {import('./process-identity.mjs').ProcessIdentity & {host: string} | null}
 */
function parseGuard(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string} file */
async function ageMs(file) {
  const info = await stat(file).catch(() => null);
  return info === null ? 0 : Date.now() - info.mtimeMs;
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
