/**
 * @file NF4: four bits a weight, byte for byte as bitsandbytes 0.50 makes them on the CPU.
 *
 * Row-major values are cut into blocks of 64. A block keeps its largest magnitude (absmax); each value over absmax is replaced by the
 * index of the nearest of 16 fixed levels, which are quantiles of the normal distribution (QLoRA, Dettmers et al. 2023, arXiv
 * 2305.14314). Two indices make a byte, the first in the upper half. Double quantization stores the absmax values, less their
 * mean, as 8-bit codes of the dynamic map in blocks of 256: 4 + 8/64 + 32/(64*256) = 4.127 bits a weight.
 *
 * A block is multiplied by the rounded inverse of its absmax, but a shorter last block is divided by it and an absmax of zero is
 * raised there to 1e-38: both differ in the last bit, and bitsandbytes does so.
 */
import { dequantizeBlockwise, dynamicMap, NESTED_BLOCKSIZE, quantizeBlockwise } from './dynamic-map.ts';
import { notFinite, requireCount, roundToSource, type QuantizeOptions, type SourceDType } from './source-dtype.ts';
import { meanAsTorch } from './torch-mean.ts';

export const NF4_BLOCKSIZE = 64;

/** The 16 levels, ascending (bitsandbytes/backends/utils.py). Shared: do not write into it. */
export const NF4_LEVELS: Float32Array<ArrayBuffer> = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

/** Doubly quantized block maxima: absmax[i] = nestedCode[codes[i]] * nestedAbsmax[i / nestedBlocksize] + offset. */
export interface NestedAbsmax {
  /** One a block of weights. */
  readonly codes: Uint8Array<ArrayBuffer>;
  readonly nestedAbsmax: Float32Array<ArrayBuffer>;
  /** 256 values. */
  readonly nestedCode: Float32Array<ArrayBuffer>;
  readonly nestedBlocksize: number;
  /** Mean of the maxima, a float32 value. */
  readonly offset: number;
}

export interface Nf4Matrix {
  readonly kind: 'nf4';
  /** ceil(values / 2) bytes, the value with the even index in the upper half. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** One a block, plain or doubly quantized. */
  readonly absmax: Float32Array<ArrayBuffer> | NestedAbsmax;
  /** The 16 levels. */
  readonly code: Float32Array<ArrayBuffer>;
  readonly blocksize: number;
  readonly shape: readonly number[];
  readonly dtype: SourceDType;
}

export interface QuantizeNf4Options extends QuantizeOptions {
  readonly doubleQuant: boolean;
}

/** Cells of width 1/32 between -1 and 1; neighbouring bounds are further apart, so a cell holds one at most. */
const CELLS_PER_UNIT = 32;
const SMALLEST_ABSMAX = Math.fround(1e-38);
const cells = makeCells();

/**
 * Quantizes a weight.
 * @param values row-major, not changed
 * @throws quant/not-finite
 */
export function quantizeNf4(
  values: Float32Array,
  shape: readonly number[],
  { doubleQuant, sourceDtype, name }: QuantizeNf4Options,
): Nf4Matrix {
  requireCount(values, shape);
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  const maxima = findMaxima(values, name);
  const whole = Math.floor(values.length / NF4_BLOCKSIZE);
  for (let block = 0; block < whole; block += 1) {
    const inverse = Math.fround(1 / Math.max(maxima[block]!, SMALLEST_ABSMAX));
    packBlock(values, block * NF4_BLOCKSIZE, packed, inverse);
  }
  if (whole < maxima.length) maxima[whole] = packTail(values, whole * NF4_BLOCKSIZE, packed, maxima[whole]!);
  return {
    kind: 'nf4',
    packed,
    absmax: doubleQuant ? nestAbsmax(maxima) : maxima,
    code: NF4_LEVELS,
    blocksize: NF4_BLOCKSIZE,
    shape,
    dtype: sourceDtype,
  };
}

export interface DequantizeOptions {
  /** Rounds the result to this precision, for instance the matrix's own; float32 when left out. */
  readonly dtype?: SourceDType;
}

/** The values that the matrix stands for, row-major. */
export function dequantizeNf4(
  matrix: Nf4Matrix,
  { dtype = 'float32' }: DequantizeOptions = {},
): Float32Array<ArrayBuffer> {
  const { packed, code, blocksize, shape } = matrix;
  const absmax = plainAbsmax(matrix);
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const levels = new Float32Array(16);
  for (let block = 0; block < absmax.length; block += 1) {
    const scale = absmax[block]!;
    for (let level = 0; level < 16; level += 1) levels[level] = code[level]! * scale;
    const start = block * blocksize;
    const end = Math.min(start + blocksize, values.length);
    for (let i = start; i < end; i += 2) {
      const byte = packed[i >> 1]!;
      values[i] = levels[byte >> 4]!;
      // Writing beyond the end of an odd number of values does nothing.
      values[i + 1] = levels[byte & 15]!;
    }
  }
  roundToSource(values, dtype);
  return values;
}

/** One float32 maximum a block, whichever way they are stored. */
export function plainAbsmax({ absmax }: Pick<Nf4Matrix, 'absmax'>): Float32Array<ArrayBuffer> {
  if (absmax instanceof Float32Array) return absmax;
  const { codes, nestedAbsmax, nestedCode, nestedBlocksize, offset } = absmax;
  const values = dequantizeBlockwise({ codes, absmax: nestedAbsmax }, nestedCode, nestedBlocksize);
  for (let i = 0; i < values.length; i += 1) values[i]! += offset;
  return values;
}

/** Whether a matrix from a file has the block sizes and tables that we and bitsandbytes use: then its bytes serve as they are. */
export function isStandardNf4({ absmax, blocksize, code }: Nf4Matrix, doubleQuant: boolean): boolean {
  if (blocksize !== NF4_BLOCKSIZE || !sameValues(code, NF4_LEVELS)) return false;
  if (absmax instanceof Float32Array) return !doubleQuant;
  return doubleQuant && absmax.nestedBlocksize === NESTED_BLOCKSIZE && sameValues(absmax.nestedCode, dynamicMap());
}

const sameValues = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index]);

/** Bytes that the matrix takes in memory; the two tables are shared by all matrices and not counted. */
export function nf4Bytes({ packed, absmax }: Nf4Matrix): number {
  if (absmax instanceof Float32Array) return packed.byteLength + absmax.byteLength;
  return packed.byteLength + absmax.codes.byteLength + absmax.nestedAbsmax.byteLength + 4;
}

function nestAbsmax(maxima: Float32Array<ArrayBuffer>): NestedAbsmax {
  const offset = meanAsTorch(maxima);
  const { codes, absmax } = quantizeBlockwise(maxima.map((value) => value - offset));
  return { codes, nestedAbsmax: absmax, nestedCode: dynamicMap(), nestedBlocksize: NESTED_BLOCKSIZE, offset };
}

/** Largest magnitude of each block, found on the bits: without its sign a float's bits grow with its value, NaN beyond all. */
function findMaxima(values: Float32Array, name: string | undefined): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const maxima = new Float32Array(Math.ceil(values.length / NF4_BLOCKSIZE));
  const maximaWords = new Uint32Array(maxima.buffer);
  for (let block = 0; block < maxima.length; block += 1) {
    const end = Math.min((block + 1) * NF4_BLOCKSIZE, values.length);
    let largest = 0;
    for (let i = block * NF4_BLOCKSIZE; i < end; i += 1) {
      const magnitude = words[i]! & 0x7fffffff;
      if (magnitude > largest) largest = magnitude;
    }
    if (largest >= 0x7f800000) {
      const index = values.findIndex((value) => !Number.isFinite(value));
      throw notFinite(name, index, values[index]!);
    }
    maximaWords[block] = largest;
  }
  return maxima;
}

/** Packs one whole block. */
function packBlock(values: Float32Array, start: number, packed: Uint8Array, inverse: number): void {
  const { fround } = Math;
  const { lowest, bound } = cells;
  for (let i = start; i < start + NF4_BLOCKSIZE; i += 2) {
    const first = fround(values[i]! * inverse);
    const firstCell = ((first + 1) * CELLS_PER_UNIT) | 0;
    const upper = lowest[firstCell]! + (first > bound[firstCell]! ? 1 : 0);
    const second = fround(values[i + 1]! * inverse);
    const secondCell = ((second + 1) * CELLS_PER_UNIT) | 0;
    packed[i >> 1] = (upper << 4) | (lowest[secondCell]! + (second > bound[secondCell]! ? 1 : 0));
  }
}

/** Packs a shorter last block; a missing last value counts as zero. @returns its absmax as it is stored */
function packTail(values: Float32Array, start: number, packed: Uint8Array, absmax: number): number {
  const scale = Math.max(absmax, SMALLEST_ABSMAX);
  const nearest = (value: number) => {
    const scaled = Math.fround(value / scale);
    const cell = Math.trunc((scaled + 1) * CELLS_PER_UNIT);
    return cells.lowest[cell]! + (scaled > cells.bound[cell]! ? 1 : 0);
  };
  for (let i = start; i < values.length; i += 2) {
    packed[i >> 1] = (nearest(values[i]!) << 4) | nearest(values[i + 1] ?? 0);
  }
  return scale;
}

/** For each cell the level at its lower end, and the bound to the next level where one lies in the cell, else infinity. */
function makeCells(): { readonly lowest: Uint8Array; readonly bound: Float32Array } {
  const count = 2 * CELLS_PER_UNIT + 1;
  const lowest = new Uint8Array(count);
  const bound = new Float32Array(count).fill(Infinity);
  for (let level = 0; level < 15; level += 1) {
    const middle = Math.fround(Math.fround(NF4_LEVELS[level]! + NF4_LEVELS[level + 1]!) / 2);
    const cell = Math.trunc((middle + 1) * CELLS_PER_UNIT);
    bound[cell] = middle;
    lowest.fill(level + 1, cell + 1);
  }
  return { lowest, bound };
}
