/**
 * @file Reads the f32 tensors of a safetensors file, on purpose without our own reader: a fault there must not hide itself.
 */
import { readFileSync } from 'node:fs';

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The only tensor of a file. @throws when there are none or several, or it is not F32. */
export function readOnlyTensor(file: string): PlainTensor {
  const tensors = [...readTensors(file).values()];
  const [first] = tensors;
  if (first === undefined || tensors.length > 1)
    throw new Error(`${file} holds ${tensors.length} tensors, expected one`);
  return first;
}

/** All tensors of a file by name. @throws when one is not F32. */
export function readTensors(file: string): Map<string, PlainTensor> {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const body = bytes.subarray(8 + headerLength);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<string, HeaderEntry>;
  const tensors = new Map<string, PlainTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = entry;
    if (dtype !== 'F32') throw new Error(`${file}: ${name} is ${dtype}, expected F32`);
    // Copied, because the body need not start at a multiple of four bytes.
    tensors.set(name, { shape, data: new Float32Array(new Uint8Array(body.subarray(...offsets)).buffer) });
  }
  return tensors;
}

/** Largest absolute difference over all elements; infinite where a value is not a number or the lengths differ. */
export function largestDifference(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < ours.length; i += 1) {
    const difference = Math.abs((ours[i] ?? NaN) - (theirs[i] ?? NaN));
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
