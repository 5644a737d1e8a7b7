/**
 * @file Downloads one file: from where it was cut off, as often as needed, until it is whole and has its checksum.
 *
 * What is on disk already is read again, since the checksum is of the whole file and a power cut may have left anything there.
 */
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { HubFile } from '../../../src-shared/domain/hub.ts';
import { explainFileError, systemErrorCode } from '../file-errors.ts';
import type { HttpAnswer } from './http-client.ts';
import type { FileSubject, HubClient } from './hub-client.ts';
import { badAnswer, checksumFailed, explainBroken } from './hub-errors.ts';
import { Passing, Patience } from './patience.ts';

export interface DownloadFileOptions {
  readonly hub: HubClient;
  readonly subject: FileSubject;
  readonly file: HubFile;
  /** Where its bytes go. */
  readonly part: string;
  readonly signal: AbortSignal;
  /** @param doneBytes that are on disk; `checking` while those of before are read */
  readonly onProgress: (doneBytes: number, isChecking: boolean) => void;
  /** Told why nothing comes, null when it goes on. */
  readonly onWait: (reason: string | null) => void;
  /** Writes some bytes; tests have a disk that is full. */
  readonly write?: (handle: FileHandle, chunk: Uint8Array, position: number) => Promise<void>;
}

const READ_BYTES = 1 << 20;

/** @throws hub/…, disk/full, Interrupted; what has come is kept then */
export async function downloadFile(options: DownloadFileOptions): Promise<void> {
  const { file, part, subject } = options;
  const handle = await open(part, 'a+').then(
    // Opened for appending it would write at its end alone.
    async (made) => (await made.close(), open(part, 'r+')),
  );
  try {
    let seen: string | null = null;
    for (const isLast of [false, true]) {
      const digest = await fetchWhole(options, handle);
      const wrong = findMismatch(file, digest);
      if (wrong === null) return await handle.sync();
      // The hub's list may be wrong about a small file: then it comes twice as the same bytes.
      if (file.sha256 === null && seen === digest.sha256) return await handle.sync();
      seen = digest.sha256;
      await handle.truncate(0);
      if (isLast) throw checksumFailed(subject.model, file.name, wrong);
    }
  } catch (error) {
    throw explainDisk(error, file);
  } finally {
    await handle.close();
  }
}

interface Digest {
  readonly sha256: string;
  readonly gitId: string;
}

/** Git's id is the sha1 of a header and the content. */
class Digester {
  readonly #sha256: Hash = createHash('sha256');
  readonly #git: Hash;

  constructor(bytes: number) {
    this.#git = createHash('sha1').update(`blob ${bytes}\0`);
  }

  update(chunk: Uint8Array, needsGit: boolean): void {
    this.#sha256.update(chunk);
    if (needsGit) this.#git.update(chunk);
  }

  finish(): Digest {
    return { sha256: this.#sha256.digest('hex'), gitId: this.#git.digest('hex') };
  }
}

/** @returns what is wrong, null where it is as listed */
function findMismatch({ sha256, git_id }: HubFile, digest: Digest): string | null {
  if (sha256 !== null) return sha256 === digest.sha256 ? null : `sha256 is ${digest.sha256}, it should be ${sha256}`;
  if (git_id !== null) return git_id === digest.gitId ? null : `git id is ${digest.gitId}, it should be ${git_id}`;
  return null;
}

/** Brings the file to its full size. */
async function fetchWhole(options: DownloadFileOptions, handle: FileHandle): Promise<Digest> {
  const { file, hub, signal, onWait } = options;
  const digester = new Digester(file.bytes);
  let done = await readBack(options, handle, digester);
  const patience = new Patience({ pace: hub.pace, signal, onWait });
  while (done < file.bytes) {
    const before = done;
    try {
      await receive(options, handle, before, (chunk) => {
        digester.update(chunk, file.sha256 === null);
        done += chunk.length;
      });
      if (done === before)
        throw new Passing(badAnswer(options.subject, `it ends after ${done} of ${file.bytes} bytes`));
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (done > before) patience.restore();
      await patience.wait(error);
    }
  }
  return digester.finish();
}

/** Reads what is there; more than the file has is cut off, all of it. @returns its bytes */
async function readBack({ file, signal, onProgress }: DownloadFileOptions, handle: FileHandle, digester: Digester) {
  const { size } = await handle.stat();
  if (size > file.bytes) await handle.truncate(0);
  const there = size > file.bytes ? 0 : size;
  const buffer = new Uint8Array(READ_BYTES);
  let done = 0;
  while (done < there) {
    if (signal.aborted) throw new Interrupted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, there - done), done);
    if (bytesRead === 0) break;
    digester.update(buffer.subarray(0, bytesRead), file.sha256 === null);
    done += bytesRead;
    onProgress(done, true);
  }
  return done;
}

/** One request: writes what comes until it is whole or breaks off. @throws Passing where it breaks off */
async function receive(
  options: DownloadFileOptions,
  handle: FileHandle,
  from: number,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const { hub, subject, file, signal, onProgress, write = writeAll } = options;
  const answer = await hub.openFile(subject, from);
  try {
    let skip = bytesToSkip(answer, from, options);
    let position = from;
    for await (const received of answer.body as AsyncIterable<Buffer>) {
      if (signal.aborted) throw new Interrupted();
      const chunk = received.subarray(Math.min(skip, received.length));
      skip -= received.length - chunk.length;
      if (position + chunk.length > file.bytes) throw badAnswer(subject, `it is longer than its ${file.bytes} bytes`);
      if (chunk.length === 0) continue;
      await write(handle, chunk, position);
      position += chunk.length;
      take(chunk);
      onProgress(position, false);
    }
  } catch (error) {
    answer.body.destroy();
    if (systemErrorCode(error) !== null && isDiskError(error)) throw error;
    throw explainBroken(error, answer.url, signal);
  }
}

/** A server that knows no ranges begins anew: then what is there already is passed over. */
function bytesToSkip({ status, headers }: HttpAnswer, from: number, { subject, file }: DownloadFileOptions): number {
  if (status === 200) return from;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  const isAsAsked = status === 206 && Number(start) === from && (total === '*' || Number(total) === file.bytes);
  if (isAsAsked) return 0;
  throw badAnswer(subject, `asked for the bytes from ${from} on, it gives ${headers['content-range'] ?? 'others'}`);
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG', 'EACCES', 'EPERM'];

function isDiskError(error: unknown): boolean {
  return DISK_ERRORS.includes(systemErrorCode(error) ?? '');
}

export const DISK_FULL_HINT =
  'Free some space there, or choose another folder for models. What has come is kept; the same again goes on from there.';

/** @param what that could not be written */
export function downloadDiskFull(what: string, cause: unknown): AppError {
  return new AppError('disk/full', `The disk is full: ${what} could not be written`, {
    kind: 'environment',
    hint: DISK_FULL_HINT,
    cause,
  });
}

function explainDisk(error: unknown, { name }: HubFile): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return downloadDiskFull(name, error);
  return isDiskError(error) ? explainFileError(error, name) : error;
}
