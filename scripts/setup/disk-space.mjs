/**
 * @file Refuses to start what the disk cannot hold: better a message now than a torn file in ten minutes.
 */
import { access, constants, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { SetupError } from './failure.mjs';

const MOVE_CACHE = 'put the cache on another disk: export TUNESMITH_CACHE=/path/on/a/larger/disk';

/**
 * @param {{folder: string, bytes: number, purpose: string, remedy?: string}} need folder need not exist yet
 * @throws {SetupError} setup/disk-space, naming folder, needed and free space
 */
export async function requireDiskSpace({ folder, bytes, purpose, remedy = MOVE_CACHE }) {
  const freeBytes = await freeBytesOf(folder);
  if (freeBytes >= bytes) return;
  throw new SetupError(
    'setup/disk-space',
    `${purpose} needs ${formatBytes(bytes)} on the disk that holds ${folder}, and ${formatBytes(freeBytes)} are free.`,
    `Free ${formatBytes(bytes - freeBytes)} there, or ${remedy}`,
  );
}

/**
 * Free space for an ordinary user.
 * @param {string} folder need not exist
 * @returns {Promise<number>} bytes
 */
export async function freeBytesOf(folder) {
  const { bavail, bsize } = await statfs(await nearestExistingFolder(folder));
  return bavail * bsize;
}

/**
 * @param {string} folder need not exist
 * @returns {Promise<boolean>} true if this user may write in it, or make it
 */
export async function canWriteFolder(folder) {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const found = await stat(current).catch(() => null);
    if (!found && current !== path.dirname(current)) continue;
    const permitted = access(current, constants.W_OK).then(
      () => true,
      () => false,
    );
    return Boolean(found?.isDirectory()) && permitted;
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string>} the folder itself, or its closest parent that exists
 */
async function nearestExistingFolder(folder) {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const found = await stat(current).catch(() => null);
    if (found?.isDirectory() || current === path.dirname(current)) return current;
  }
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
