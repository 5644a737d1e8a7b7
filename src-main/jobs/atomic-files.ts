/**
 * @file Files and folders that are either whole or not there.
 *
 * Everything is written under a name beside, flushed to the disk and renamed; a rename within one folder is atomic. After a crash
 * only names with the partial mark are left over, which nobody reads and `removeLeftovers` deletes.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileContent, FileSet } from '../engine/recipes/contract.ts';
import { withFileErrors } from './file-errors.ts';

/** Starts the name of everything that is being written or being deleted. */
export const PARTIAL_MARK = '.partial-';

export interface FileRecord {
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Replaces one file. @throws disk/full, file/not-permitted */
export async function writeFileAtomically(file: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const partial = partialName(file);
  await withFileErrors(file, async () => {
    try {
      await writeFlushed(partial, bytes);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await flushFolder(path.dirname(file));
  });
}

/**
 * Writes a folder of files, `lastFile` (made from the records of the others) at the end, and puts it in the place of `dir`.
 * @returns size and checksum of each file
 * @throws disk/full, file/not-permitted; nothing is left behind then
 */
export async function writeFolderAtomically(
  dir: string,
  files: FileSet,
  lastFile?: { name: string; content: (records: Readonly<Record<string, FileRecord>>) => string },
): Promise<Record<string, FileRecord>> {
  const partial = partialName(dir);
  return withFileErrors(dir, async () => {
    try {
      await mkdir(partial);
      const records: Record<string, FileRecord> = {};
      for (const [name, content] of files) records[name] = await writeFlushed(path.join(partial, name), content);
      if (lastFile) await writeFlushed(path.join(partial, lastFile.name), encode(lastFile.content(records)));
      await flushFolder(partial);
      await putInPlace(partial, dir);
      return records;
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  });
}

/** Deletes a folder so that a crash half-way leaves no folder of that name with parts missing. */
export async function removeFolder(dir: string): Promise<void> {
  const aside = partialName(dir);
  await rename(dir, aside);
  await rm(aside, { recursive: true, force: true });
}

/** Deletes what crashes left in a folder. Call it only while no other process writes there (run lock). */
export async function removeLeftovers(dir: string): Promise<void> {
  const names = await readdir(dir);
  const leftovers = names.filter((name) => name.startsWith(PARTIAL_MARK));
  await Promise.all(leftovers.map((name) => rm(path.join(dir, name), { recursive: true, force: true })));
}

/** True for names that `removeLeftovers` would delete. */
export function isPartialName(name: string): boolean {
  return name.startsWith(PARTIAL_MARK);
}

/** Size and checksum of a file on disk. */
export async function describeFile(file: string): Promise<FileRecord> {
  const handle = await open(file);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Bytes of all files in a folder and below; 0 where it does not exist. */
export async function folderBytes(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(path.join(dir, name)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function partialName(target: string): string {
  return path.join(path.dirname(target), `${PARTIAL_MARK}${path.basename(target)}-${process.pid}`);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function writeFlushed(file: string, content: FileContent): Promise<FileRecord> {
  const handle = await open(file, 'w');
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      await handle.writeFile(chunk);
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A folder cannot replace a folder that has files, so an older one steps aside first. */
async function putInPlace(partial: string, dir: string): Promise<void> {
  const aside = `${partial}-old`;
  const replaces = await stat(dir).then(
    () => true,
    () => false,
  );
  if (replaces) await rename(dir, aside);
  await rename(partial, dir);
  await flushFolder(path.dirname(dir));
  if (replaces) await rm(aside, { recursive: true, force: true });
}

/** Makes renames survive a power cut; Windows has no way to flush a folder. */
export async function flushFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(dir);
  await handle.sync().finally(() => handle.close());
}
