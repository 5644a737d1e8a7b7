/**
 * @file INT8 with one scale an output row, byte for byte as bitsandbytes 0.50 makes it (the weights of LLM.int8, Dettmers et al. 2022).
 *
 * The weight is first rounded to half precision, whatever it was: bitsandbytes stores 8-bit weights so. A row keeps its largest
 * magnitude (SCB); each value becomes round(value * (127 / SCB)), ties to even, and is given back as q * SCB / 127.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { roundToF16 } from '../formats/float-conversion.ts';
import type { DequantizeOptions } from './nf4.ts';
import { notFinite, requireCount, roundToSource, type QuantizeOptions, type SourceDType } from './source-dtype.ts';

export interface Int8Matrix {
  readonly kind: 'int8';
  /** Row-major, like the weight. */
  readonly weight: Int8Array<ArrayBuffer>;
  /** Largest magnitude of each row. */
  readonly scb: Float32Array<ArrayBuffer>;
  /** [out, in] */
  readonly shape: readonly [number, number];
  readonly dtype: SourceDType;
}

/** bitsandbytes multiplies by this instead of dividing by 127. */
const INVERSE_127 = Math.fround(7.874015718698502e-3);
/** Adding and taking away 1.5 * 2^52 rounds a float64 to a whole number, ties to even. */
const ROUNDER = 6755399441055744;

/**
 * Quantizes a weight row by row.
 * @param values row-major, not changed
 * @throws quant/not-finite, quant/too-large (beyond half precision, 65504)
 */
export function quantizeInt8Rows(
  values: Float32Array,
  shape: readonly [number, number],
  { sourceDtype, name }: QuantizeOptions,
): Int8Matrix {
  requireCount(values, shape);
  const [rows, columns] = shape;
  const weight = new Int8Array(values.length);
  const scb = new Float32Array(rows);
  const row = new Float32Array(columns);
  for (let r = 0; r < rows; r += 1) {
    const start = r * columns;
    row.set(values.subarray(start, start + columns));
    roundToF16(row);
    const largest = largestMagnitude(row, values, start, name);
    scb[r] = largest;
    // A row of zeros stays zero.
    if (largest === 0) continue;
    const scale = Math.fround(Math.fround(1 / largest) * 127);
    for (let c = 0; c < columns; c += 1) weight[start + c] = Math.fround(row[c]! * scale) + ROUNDER - ROUNDER;
  }
  return { kind: 'int8', weight, scb, shape, dtype: sourceDtype };
}

/** The values that the matrix stands for, row-major. */
export function dequantizeInt8Rows(
  { weight, scb, shape: [rows, columns] }: Int8Matrix,
  { dtype = 'float32' }: DequantizeOptions = {},
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(weight.length);
  for (let r = 0; r < rows; r += 1) {
    const scale = scb[r]!;
    const end = (r + 1) * columns;
    for (let i = r * columns; i < end; i += 1) values[i] = Math.fround(weight[i]! * scale) * INVERSE_127;
  }
  roundToSource(values, dtype);
  return values;
}

/** Bytes that the matrix takes in memory. */
export function int8Bytes({ weight, scb }: Int8Matrix): number {
  return weight.byteLength + scb.byteLength;
}

/** @param row `values` from `start` on, in half precision */
function largestMagnitude(row: Float32Array, values: Float32Array, start: number, name: string | undefined): number {
  let largest = 0;
  for (let c = 0; c < row.length; c += 1) {
    const magnitude = Math.abs(row[c]!);
    if (!(magnitude <= 65504)) throw unquantizable(values[start + c]!, start + c, name);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function unquantizable(value: number, index: number, name = 'a weight'): AppError {
  if (!Number.isFinite(value)) return notFinite(name, index, value);
  const message = `element ${index} is ${value}; 8-bit weights pass through half precision, which ends at 65504`;
  return new AppError('quant/too-large', `${name}: ${message}`, {
    hint: 'Use nf4 or bf16 for this model.',
    faults: [{ field: name, message }],
  });
}
