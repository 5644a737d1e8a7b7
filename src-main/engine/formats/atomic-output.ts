/**
 * @file Output that is whole or not there: written under a name beside, flushed to the disk, renamed.
 *
 * For the large files that a recipe writes itself (merged and quantized models), tensor by tensor. Run folders and checkpoints are
 * written by the job, which gives them a lock and checksums too.
 */
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';

/** Gathers small pieces before they go to the disk. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** Writes pieces in order to one open file. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Writes one file; an older one of that name is replaced at the end.
 * @throws disk/full, file/not-permitted, file/not-found; nothing is left behind then
 */
export async function writeFileBeside(file: string, fill: (sink: ByteSink) => Promise<void>): Promise<void> {
  const partial = partialName(file);
  await explainingFailures(file, async () => {
    try {
      await writeFlushed(partial, fill);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await flushFolder(path.dirname(file));
  });
}

/**
 * Fills a folder under a name beside and puts it in its place. Files in it are best written with `writeFlushed`.
 * @param fill gets the path of the folder to write into
 * @throws output/not-empty where `dir` holds files already; disk/full, file/not-permitted; nothing is left behind then
 */
export async function writeFolderBeside(dir: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const target = path.resolve(dir);
  const partial = partialName(target);
  await explainingFailures(target, async () => {
    await requireFree(target);
    try {
      await mkdir(partial, { recursive: true });
      await fill(partial);
      await flushFolder(partial);
      await rm(target, { recursive: true, force: true });
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    await flushFolder(path.dirname(target));
  });
}

/** Writes a file and waits until the disk has it. Only inside a folder that is not in its place yet. */
export async function writeFlushed(
  file: string,
  content: string | Uint8Array | ((sink: ByteSink) => Promise<void>),
): Promise<void> {
  const handle = await open(file, 'w');
  try {
    if (typeof content === 'function') await fillBuffered(handle, content);
    else await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function fillBuffered(handle: FileHandle, fill: (sink: ByteSink) => Promise<void>): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  const empty = async () => {
    if (used > 0) await writeAll(handle, buffer.subarray(0, used));
    used = 0;
  };
  await fill({
    async write(bytes) {
      if (used + bytes.length > buffer.length) await empty();
      if (bytes.length > buffer.length) return writeAll(handle, bytes);
      buffer.set(bytes, used);
      used += bytes.length;
    },
  });
  await empty();
}

/** A single system call writes at most 2 GiB. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, start, Math.min(bytes.length - start, 2 ** 30));
    start += bytesWritten;
  }
}

async function requireFree(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return;
  throw new AppError('output/not-empty', `${dir} is not empty, so nothing was written`, {
    hint: 'Name a folder that does not exist yet, or empty this one.',
    faults: [{ file: dir, message: `holds ${names.length} files already` }],
  });
}

function partialName(target: string): string {
  return path.join(path.dirname(target), `.partial-${path.basename(target)}-${process.pid}`);
}

/** Makes renames survive a power cut; Windows has no way to flush a folder. */
async function flushFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir);
  await handle.sync().finally(() => handle.close());
}

async function explainingFailures(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw explainWriteError(error, what);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function explainWriteError(error: unknown, what: string): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('disk/full', `The disk is full: ${what} could not be written`, {
        kind: 'environment',
        hint: 'Free some space on that disk, or write to another one.',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AppError('file/not-permitted', `${what}: no permission to write here`, {
        hint: 'Choose a folder that you own and that is not read-only.',
        cause: error,
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new AppError('file/not-a-folder', `${what}: a file of that name stands where a folder is needed`, {
        hint: 'Choose another folder.',
        cause: error,
      });
    case 'ENOENT': {
      const missing = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : what;
      return new AppError('file/not-found', `${missing}: no such file or folder, so ${what} was not written`, {
        hint: 'Check the path.',
        cause: error,
      });
    }
    default:
      return error;
  }
}
