/**
 * @file A copy of a text file in UTF-8, for files that a spreadsheet wrote in an encoding of the last century. Stream by stream: memory
 * stays flat.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { ConvertedFile, TextEncodingLabel } from '../../src-shared/domain/data-report.ts';
import { guessEncoding } from '../engine/data/files/lines.ts';
import { requireSpace } from '../jobs/disk-space.ts';
import { explainFileError } from '../jobs/file-errors.ts';

/** So much is looked at to find out how it is encoded. */
const HEAD_BYTES = 2 ** 20;
const LINE_END = 10;
/** Of every second byte: text in UTF-16 that is mostly Latin has as many zeros. */
const MANY_ZEROS = 0.4;
/** UTF-8 of a Latin text is a little longer, of one in UTF-16 at most half as long again. */
const GROWTH = 2;

/**
 * @param folder for the copy, which keeps the file's name; made if it is not there
 * @param onProgress 0 to 1
 * @throws data/encoding where it is UTF-32, disk/no-space, disk/full, Interrupted
 */
export async function convertToUtf8(
  file: string,
  folder: string,
  { signal, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {},
): Promise<ConvertedFile> {
  const to = path.join(folder, path.basename(file));
  try {
    const encoding = findEncoding(await readHead(file), file);
    const { size } = await stat(file);
    await mkdir(folder, { recursive: true });
    await requireSpace(folder, size * GROWTH, { what: 'the copy in UTF-8', hint: 'Free some space on that disk.' });
    let read = 0;
    const count = async function* (chunks: AsyncIterable<Buffer>) {
      const decoder = new TextDecoder(encoding);
      for await (const chunk of chunks) {
        read += chunk.length;
        onProgress(size === 0 ? 1 : read / size);
        yield decoder.decode(chunk, { stream: true });
      }
      yield decoder.decode();
    };
    await pipeline(createReadStream(file), count, createWriteStream(`${to}.partial`), { signal });
    await rename(`${to}.partial`, to);
    return { from: file, to, encoding };
  } catch (error) {
    await rm(`${to}.partial`, { force: true });
    if (signal?.aborted) throw new Interrupted();
    throw error instanceof AppError ? error : explainFileError(error, file);
  }
}

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** By its mark, by its zeros, else what most of its lines look like. */
function findEncoding(head: Buffer, file: string): TextEncodingLabel {
  const startsWith = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);
  if (startsWith(0xff, 0xfe, 0, 0) || startsWith(0, 0, 0xfe, 0xff)) {
    throw new AppError('data/encoding', `${file} is UTF-32, which is not converted here`, {
      hint: 'Save it as UTF-8 in the program that wrote it.',
    });
  }
  if (startsWith(0xff, 0xfe)) return 'utf-16le';
  if (startsWith(0xfe, 0xff)) return 'utf-16be';
  const zeros = [0, 0];
  for (const [index, byte] of head.entries()) if (byte === 0) zeros[index % 2]!++;
  const many = (head.length / 2) * MANY_ZEROS;
  if (head.length > 0 && zeros[1]! > many) return 'utf-16le';
  if (head.length > 0 && zeros[0]! > many) return 'utf-16be';
  return mostLikely(head);
}

/** The encoding of Western Windows, in which every byte is a character, where nothing else is more likely. */
function mostLikely(head: Buffer): TextEncodingLabel {
  const votes = new Map<TextEncodingLabel, number>();
  for (let start = 0, end; start < head.length; start = end + 1) {
    end = head.indexOf(LINE_END, start);
    if (end < 0) end = head.length;
    const line = head.subarray(start, end);
    if (isUtf8(line)) continue;
    const { label } = guessEncoding(line);
    votes.set(label, (votes.get(label) ?? 0) + 1);
  }
  const [first = ['windows-1252', 0] as const] = [...votes].sort(([, a], [, b]) => b - a);
  return first[0];
}
