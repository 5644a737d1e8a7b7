/**
 * @file Data files that a browser sends: kept in the home, each in a folder of its own, so that its name stays.
 */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UploadedFile } from '../../src-shared/contract/socket-channel.ts';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { requireSpace } from '../jobs/disk-space.ts';
import { explainFileError } from '../jobs/file-errors.ts';
import { makeFolder } from '../jobs/make-folder.ts';

/** As browsers send them, in letters. */
const LONGEST_NAME = 255;
/** As file systems keep them. */
const MOST_NAME_BYTES = 255;
/** What the system itself takes for a part of something else. */
const NO_NAME = process.platform === 'win32' ? /[\\/:*?"<>|\p{Cc}]/u : /[\\/\p{Cc}]/u;

/**
 * @param folder made if it is not there
 * @param sizeBytes as announced by the browser
 * @throws upload/bad-name, upload/bad-size, disk/no-space, disk/full
 */
export async function keepUpload(
  folder: string,
  name: string,
  sizeBytes: number,
  content: Readable,
): Promise<UploadedFile> {
  requireName(name);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw badSize(name, 'its size was not announced');
  const own = path.join(folder, crypto.randomUUID());
  const file = path.join(own, shortenName(name));
  try {
    await makeFolder(own);
    await requireSpace(own, sizeBytes, { what: 'the uploaded file', hint: 'Free some space on that disk.' });
    await pipeline(content, countTo(sizeBytes, name), createWriteStream(file, { flags: 'wx' }));
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    throw error instanceof AppError ? error : explainFileError(error, file);
  }
  return { path: file, name, size_bytes: sizeBytes };
}

function requireName(name: string): void {
  const isPlain = path.basename(name) === name && name.length <= LONGEST_NAME && !NO_NAME.test(name);
  if (isPlain && name !== '' && !name.startsWith('.')) return;
  throw new AppError('upload/bad-name', `"${name.slice(0, 60)}" is no file name that can be kept`, {
    hint: 'Rename the file: letters, digits, spaces, dots and dashes.',
  });
}

/** Names count letters where they come from and bytes where they are kept. */
function shortenName(name: string): string {
  const { name: stem, ext } = path.parse(name);
  const letters = [...stem];
  while (Buffer.byteLength(letters.join('') + ext) > MOST_NAME_BYTES && letters.length > 1) letters.pop();
  return letters.join('') + ext;
}

/** Passes on exactly the announced number of bytes. */
function countTo(sizeBytes: number, name: string): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > sizeBytes) done(badSize(name, 'more came than was announced'));
      else done(null, chunk);
    },
    flush: (done) => done(seen === sizeBytes ? null : badSize(name, 'it was cut off')),
  });
}

function badSize(name: string, reason: string): AppError {
  return new AppError('upload/bad-size', `${name} could not be uploaded: ${reason}`, { hint: 'Upload it again.' });
}
