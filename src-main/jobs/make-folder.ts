/**
 * @file Makes a folder and its parents, one at a time.
 *
 * Not with Node's `recursive`: that never returns where a folder exists in which nothing can be made (/proc, some network mounts).
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { explainFileError, systemErrorCode } from './file-errors.ts';

/**
 * @param dir absolute path
 * @returns the outermost folder that had to be made, null if `dir` was there
 * @throws file/not-permitted, file/not-a-folder, disk/full
 */
export async function makeFolder(dir: string): Promise<string | null> {
  try {
    const missing = await listMissing(dir);
    for (const folder of missing) await mkdirUnlessThere(folder);
    return missing[0] ?? null;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw explainFileError(error, dir);
    throw new AppError('file/not-permitted', `${dir}: no folder can be made here`, {
      hint: 'Choose another folder.',
      cause: error,
    });
  }
}

/** The folder and those of its parents that do not exist, outermost first. */
async function listMissing(dir: string): Promise<string[]> {
  const found = await stat(dir).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (found?.isDirectory()) return [];
  if (found) throw Object.assign(new Error(`${dir} is a file`), { code: 'ENOTDIR' });
  return [...(await listMissing(path.dirname(dir))), dir];
}

/** Another process may be making the same parents. */
async function mkdirUnlessThere(dir: string): Promise<void> {
  await mkdir(dir).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  });
}
