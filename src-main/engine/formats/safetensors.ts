/**
 * @file Reads and writes safetensors files without ever holding a whole one.
 *
 * Reading goes by positioned reads of single tensors, or of some of their rows; writing takes tensors whose data may be made only
 * when their turn comes. The header and its checks are in safetensors-header.ts.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { writeFileBeside } from './atomic-output.ts';
import {
  encodeHeader,
  parseHeader,
  readHeaderLength,
  SAFETENSORS_DTYPE_BYTES,
  tensorBytes,
  type PlacedEntry,
  type SafetensorsDType,
  type TensorEntry,
} from './safetensors-header.ts';

export type { SafetensorsDType, TensorEntry } from './safetensors-header.ts';

/** A single read is kept below what one system call can do (2 GiB). */
const READ_BYTES = 2 ** 30;

export interface ReadTensorOptions {
  /** First row and the one after the last, along the first axis; all rows when left out. */
  readonly rows?: readonly [number, number];
  /** Takes the bytes; must have just their number. A new array when left out. */
  readonly into?: Uint8Array<ArrayBuffer>;
}

/** One open file. Close it when done. */
export interface SafetensorsFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes of the header with its length prefix, as in the file: what a fingerprint is made of. */
  readonly headerBytes: Uint8Array<ArrayBuffer>;
  readonly metadata: Readonly<Record<string, string>>;
  entries(): ReadonlyMap<string, TensorEntry>;
  /** The tensor's bytes, row-major, little-endian. @throws safetensors/truncated where the file became shorter meanwhile */
  read(name: string, options?: ReadTensorOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Any bytes of the file, for a fingerprint. */
  readBytes(fileOffset: number, into: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file and checks its header.
 * @throws file/not-found, file/not-permitted, file/not-a-file, safetensors/corrupt
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path).catch((error: unknown) => {
    throw explainOpenError(error, path);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw notAFile(path);
    const prefix = new Uint8Array(8);
    await handle.read(prefix, 0, 8, 0);
    const headerBytes = new Uint8Array(8 + readHeaderLength(prefix, stats.size, path));
    await readFully(handle, headerBytes, 0, path);
    const { entries, metadata } = parseHeader(headerBytes.subarray(8), stats.size, path);
    return {
      path,
      sizeBytes: stats.size,
      headerBytes,
      metadata,
      entries: () => entries,
      read: (name, options) => readTensor(handle, path, entries.get(name), name, options),
      readBytes: (fileOffset, into) => readFully(handle, into, fileOffset, path),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A tensor to write; the shape must be known at once, the data may be made when they are needed. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | (() => Promise<Uint8Array>);
}

/** Where a tensor came from is of no use to a reader; this is what PyTorch's loaders look for. */
const DEFAULT_METADATA = { format: 'pt' };

/**
 * Writes a file beside, flushes and renames it. The largest element types come first, so that each tensor starts at a multiple of
 * its element's size; otherwise the order stays.
 * @throws disk/full, file/not-permitted; nothing is left behind then
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite> | AsyncIterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = DEFAULT_METADATA,
): Promise<void> {
  const list: TensorToWrite[] = [];
  for await (const tensor of tensors) list.push(tensor);
  await writeFileBeside(path, async (sink) => {
    for await (const chunk of streamSafetensors(list, metadata)) await sink.write(chunk);
  });
}

/** The file's bytes piece by piece, each tensor's data asked for when their turn comes. */
export async function* streamSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = DEFAULT_METADATA,
): AsyncGenerator<Uint8Array> {
  const ordered = orderTensors(tensors);
  yield encodeHeader(ordered, metadata);
  for (const tensor of ordered) {
    const bytes = tensor.data instanceof Uint8Array ? tensor.data : await tensor.data();
    checkLength(tensor, bytes);
    yield bytes;
  }
}

/** The whole file as one array, for small ones (adapters). */
export function encodeSafetensors(
  tensors: readonly (TensorToWrite & { readonly data: Uint8Array })[],
  metadata: Readonly<Record<string, string>> = DEFAULT_METADATA,
): Uint8Array<ArrayBuffer> {
  const ordered = orderTensors(tensors);
  const header = encodeHeader(ordered, metadata);
  const file = new Uint8Array(header.length + sumBytes(ordered));
  file.set(header);
  let offset = header.length;
  for (const tensor of ordered) {
    checkLength(tensor, tensor.data);
    file.set(tensor.data, offset);
    offset += tensor.data.length;
  }
  return file;
}

/** Bytes of the data of all tensors. */
export function sumBytes(tensors: readonly Pick<TensorToWrite, 'dtype' | 'shape'>[]): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
}

function orderTensors<T extends TensorToWrite>(tensors: readonly T[]): T[] {
  const names = new Set(tensors.map(({ name }) => name));
  if (names.size !== tensors.length) throw new Error('internal: safetensors: a name is there twice');
  return [...tensors].sort((a, b) => SAFETENSORS_DTYPE_BYTES[b.dtype] - SAFETENSORS_DTYPE_BYTES[a.dtype]);
}

function checkLength({ name, dtype, shape }: TensorToWrite, bytes: Uint8Array): void {
  const wanted = tensorBytes(dtype, shape);
  if (bytes.length === wanted) return;
  throw new Error(
    `internal: safetensors: ${name} ${dtype} [${shape.join()}] needs ${wanted} bytes, got ${bytes.length}`,
  );
}

async function readTensor(
  handle: FileHandle,
  file: string,
  entry: PlacedEntry | undefined,
  name: string,
  { rows, into }: ReadTensorOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (entry === undefined) throw new Error(`internal: safetensors: ${file} has no tensor ${name}`);
  const count = entry.shape[0] ?? 1;
  const [first, end] = rows ?? [0, count];
  if (!(first >= 0 && first <= end && end <= count)) {
    throw new Error(`internal: safetensors: ${name} has ${count} rows, not ${first} to ${end}`);
  }
  const rowBytes = count === 0 ? 0 : entry.byteLength / count;
  const bytes = into ?? new Uint8Array((end - first) * rowBytes);
  if (bytes.length !== (end - first) * rowBytes) {
    throw new Error(`internal: safetensors: ${name} has ${(end - first) * rowBytes} bytes, not ${bytes.length}`);
  }
  await readFully(handle, bytes, entry.fileOffset + first * rowBytes, file);
  return bytes;
}

async function readFully(handle: FileHandle, into: Uint8Array, fileOffset: number, file: string): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, Math.min(into.length - done, READ_BYTES), fileOffset + done);
    if (bytesRead === 0) {
      const message = `ends at byte ${fileOffset + done}; it became shorter while it was read`;
      throw new AppError('safetensors/truncated', `${file} ${message}`, {
        hint: 'Do not change model files while they are in use; copy the file again.',
        faults: [{ file, message }],
      });
    }
    done += bytesRead;
  }
}

function notAFile(file: string): AppError {
  return new AppError('file/not-a-file', `${file} is a folder, not a file`, {
    faults: [{ file, message: 'is a folder' }],
  });
}

function explainOpenError(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const fail = (name: string, message: string, hint: string) =>
    new AppError(name, `${file}: ${message}`, { hint, cause: error, faults: [{ file, message }] });
  if (code === 'ENOENT' || code === 'ENOTDIR') return fail('file/not-found', 'no such file', 'Check the path.');
  if (code === 'EACCES' || code === 'EPERM')
    return fail(
      'file/not-permitted',
      'no permission to read it',
      'Change its permissions, or copy it to a place of your own.',
    );
  return error;
}
