/**
 * @file safetensors files: what is written is read back, whole or by rows, and every damage is named with its tensor.
 */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  openSafetensors,
  writeSafetensors,
  type TensorToWrite,
} from '../../../../src-main/engine/formats/safetensors.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tunesmith-safetensors-'));
});
afterAll(() => rm(dir, { recursive: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);
const SMALL: TensorToWrite[] = [
  { name: 'b', dtype: 'U8', shape: [3], data: bytes(1, 2, 3) },
  { name: '7', dtype: 'F32', shape: [2, 2], data: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer) },
  { name: 'empty', dtype: 'BF16', shape: [0, 4], data: bytes() },
  { name: 'scalar', dtype: 'F16', shape: [], data: () => Promise.resolve(bytes(0, 0x3c)) },
];

/** A file with this header and so many bytes of data. */
async function writeRaw(header: unknown, dataBytes: number, length?: bigint): Promise<string> {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  const name = path.join(dir, `raw-${Math.random()}.safetensors`);
  await writeFile(name, file);
  return name;
}

async function openFailing(file: string): Promise<AppError> {
  const error: unknown = await openSafetensors(file).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

describe('a written file', () => {
  it('is read back, with metadata, rows and alignment', async () => {
    const file = path.join(dir, 'small.safetensors');
    await writeSafetensors(file, SMALL, { format: 'pt', note: 'x' });
    const opened = await openSafetensors(file);
    expect(opened.metadata).toEqual({ format: 'pt', note: 'x' });
    expect([...opened.entries().keys()]).toEqual(['7', 'empty', 'scalar', 'b']);
    expect(opened.entries().get('7')).toMatchObject({ dtype: 'F32', shape: [2, 2], byteLength: 16 });
    expect(await opened.read('b')).toEqual(bytes(1, 2, 3));
    expect(await opened.read('b', { rows: [1, 2] })).toEqual(bytes(2));
    expect(new Float32Array((await opened.read('7', { rows: [1, 2] })).buffer)).toEqual(Float32Array.of(3, 4));
    expect(await opened.read('empty')).toEqual(bytes());
    const into = new Uint8Array(2);
    expect(await opened.read('scalar', { into })).toBe(into);
    expect(into).toEqual(bytes(0, 0x3c));
    await opened.close();
    expect((await readFile(file)).readBigUInt64LE(0) % 8n).toBe(0n);
    expect(await readdir(dir)).toEqual(['small.safetensors']);
  });

  it('is the same whether written or encoded', async () => {
    const file = path.join(dir, 'same.safetensors');
    const tensors = SMALL.slice(0, 3) as (TensorToWrite & { data: Uint8Array })[];
    await writeSafetensors(file, tensors);
    expect(new Uint8Array(await readFile(file))).toEqual(encodeSafetensors(tensors));
  });

  it('leaves nothing behind and the old file alone when a tensor fails', async () => {
    const file = path.join(dir, 'kept.safetensors');
    await writeSafetensors(file, SMALL);
    const before = await readFile(file);
    const failing: TensorToWrite = { ...SMALL[0]!, name: 'late', data: () => Promise.reject(new Error('no data')) };
    await expect(writeSafetensors(file, [...SMALL, failing])).rejects.toThrow('no data');
    await expect(writeSafetensors(file, [{ ...SMALL[0]!, shape: [4] }])).rejects.toThrow('needs 4 bytes, got 3');
    await expect(writeSafetensors(file, [SMALL[0]!, SMALL[0]!])).rejects.toThrow('twice');
    expect(await readFile(file)).toEqual(before);
    expect((await readdir(dir)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('cannot be read beyond its rows or under a name that it has not', async () => {
    const file = path.join(dir, 'bounds.safetensors');
    await writeSafetensors(file, SMALL);
    const opened = await openSafetensors(file);
    await expect(opened.read('b', { rows: [1, 4] })).rejects.toThrow('3 rows, not 1 to 4');
    await expect(opened.read('c')).rejects.toThrow('no tensor c');
    await truncate(file, opened.sizeBytes - 1);
    await expect(opened.read('b')).rejects.toThrow('became shorter');
    await opened.close();
  });
});

describe('a damaged file', () => {
  const entry = (dtype: string, shape: unknown, ...data_offsets: number[]) => ({ dtype, shape, data_offsets });

  it.each([
    [
      'a header longer than the file',
      { a: entry('U8', [1], 0, 1) },
      1,
      10n ** 6n,
      'its header should have 1000000 bytes',
    ],
    ['a header length beyond what numbers hold', {}, 0, 2n ** 63n, 'only 2 follow'],
    ['no JSON', '{"a": nonsense', 0, undefined, 'is not JSON'],
    ['a JSON list', [], 0, undefined, 'not an object'],
    ['an unknown dtype', { a: entry('F7', [1], 0, 1) }, 1, undefined, 'a: unknown dtype "F7"'],
    ['the name of an inherited property as dtype', { a: entry('toString', [1], 0, 1) }, 1, undefined, 'unknown dtype'],
    ['a negative size', { a: entry('U8', [-1], 0, 1) }, 1, undefined, 'a: shape must be'],
    ['offsets the wrong way round', { a: entry('U8', [1], 1, 0) }, 1, undefined, 'a: data_offsets must be'],
    ['a size that contradicts the shape', { a: entry('F32', [2, 3], 0, 20) }, 20, undefined, 'needs 24 bytes'],
    ['data cut off', { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 8, 12) }, 9, undefined, 'b: needs bytes up to'],
    [
      'an overlap',
      { a: entry('U8', [4], 0, 4), b: entry('U8', [2], 3, 5) },
      5,
      undefined,
      'b: its data overlap those of a',
    ],
    ['a gap', { a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, 3, undefined, 'b: 1 bytes before'],
    ['bytes at the end', { a: entry('U8', [1], 0, 1) }, 5, undefined, '4 bytes at its end'],
    ['metadata with a number', { __metadata__: { a: 1 } }, 0, undefined, '__metadata__: must map strings'],
  ])('is refused for %s', async (_what, header, dataBytes, length, message) => {
    const file = await writeRaw(header, dataBytes, length);
    const error = await openFailing(file);
    expect(error.code).toBe('safetensors/corrupt');
    expect(error.message).toContain(message);
    expect(error.message).toContain(file);
    expect(error.faults[0]?.file).toBe(file);
  });

  it('has all its faults told', async () => {
    const file = await writeRaw({ a: entry('F7', [1], 0, 1), b: entry('U8', [1], 1, 3), c: 1 }, 3);
    const error = await openFailing(file);
    expect(error.faults.map(({ field }) => field)).toEqual(['a', 'b', 'c']);
  });

  it('is told from one that is not there, is a folder or is empty', async () => {
    expect((await openFailing(path.join(dir, 'none'))).code).toBe('file/not-found');
    expect((await openFailing(dir)).code).toBe('file/not-a-file');
    const empty = path.join(dir, 'empty');
    await writeFile(empty, '');
    expect((await openFailing(empty)).message).toContain('only 0 bytes long');
  });
});
