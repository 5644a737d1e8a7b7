/**
 * @file The reference bytes made by test/golden/make/quantization.py, read by our own reader (which has tests of its own).
 */
import path from 'node:path';
import { openSafetensors } from '../../../../src-main/engine/formats/safetensors.ts';
import { decodeFloats, isFloatFileDType } from '../../../../src-main/engine/formats/tensor-data.ts';
import type { SourceDType } from '../../../../src-main/engine/quant/source-dtype.ts';

export const FIXTURES = path.resolve(import.meta.dirname, '../../../golden/fixtures');

export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Precision of a float tensor. */
  readonly dtype: SourceDType | null;
  /** @throws where it is no float tensor */
  floats(): Float32Array<ArrayBuffer>;
}

const SOURCE_DTYPES: Readonly<Record<string, SourceDType>> = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' };

/** All tensors of a fixture file by name. */
export async function readFixture(name: string): Promise<ReadonlyMap<string, FixtureTensor>> {
  const file = await openSafetensors(path.join(FIXTURES, name));
  const tensors = new Map<string, FixtureTensor>();
  for (const [key, { dtype, shape }] of file.entries()) {
    const bytes = await file.read(key);
    const floats = () => {
      if (!isFloatFileDType(dtype)) throw new Error(`${key} is ${dtype}`);
      return decodeFloats(bytes, dtype);
    };
    tensors.set(key, { shape, bytes, dtype: SOURCE_DTYPES[dtype] ?? null, floats });
  }
  await file.close();
  return tensors;
}

/** float32 values between -1 and 1 from a formula that the reference script uses too. */
export function formulaValues(count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) values[i] = (Math.imul(i, 2654435761 | 0) >>> 0) / 2 ** 31 - 1;
  return values;
}

/** Largest |difference| / |value|; where the value is zero the difference must be too. */
export function largestRelativeDifference(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < ours.length; i += 1) {
    const difference = Math.abs(ours[i]! - theirs[i]!);
    const relative = difference === 0 ? 0 : difference / Math.abs(theirs[i]!);
    if (!(relative <= largest)) largest = relative;
  }
  return largest;
}
