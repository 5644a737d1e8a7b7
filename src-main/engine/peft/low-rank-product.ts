/**
 * @file The update of one linear on the host: scale diag(s) B A, row by row, in double precision.
 */
import { transposeFloats } from '../formats/transposed.ts';

/** One linear's update. A is [rank, in], B [out, rank], s [out] or null; all row by row. */
export interface HostUpdate {
  readonly rank: number;
  readonly scale: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly s: Float32Array | null;
}

/** The same update of W^T, which is how a table is stored: (diag(s) B A)^T = A^T (diag(s) B)^T. */
export function transposeUpdate({ rank, scale, a, b, s }: HostUpdate): HostUpdate {
  const rows = b.length / rank;
  const scaled = s ? b.map((value, i) => value * s[Math.floor(i / rank)]!) : b;
  return { rank, scale, a: transposeFloats(scaled, rows, rank), b: transposeFloats(a, rank, a.length / rank), s: null };
}

/**
 * Adds one row of the update.
 * @param row index of the output
 * @param into [in], changed
 */
export function addUpdateRow({ rank, scale, a, b, s }: HostUpdate, row: number, into: Float64Array): void {
  const columns = into.length;
  const factor = scale * (s ? s[row]! : 1);
  for (let k = 0; k < rank; k += 1) {
    const weight = factor * b[row * rank + k]!;
    if (weight === 0) continue;
    const start = k * columns;
    for (let j = 0; j < columns; j += 1) into[j]! += weight * a[start + j]!;
  }
}

/**
 * Length of each row of W + update: what DoRA's magnitudes start at.
 * @param weight [out, in], row by row
 * @param update null = W alone
 * @returns [out]
 */
export function rowNorms(weight: Float32Array, columns: number, update: HostUpdate | null): Float32Array<ArrayBuffer> {
  const norms = new Float32Array(weight.length / columns);
  const row = new Float64Array(columns);
  for (let i = 0; i < norms.length; i += 1) {
    row.set(weight.subarray(i * columns, (i + 1) * columns));
    if (update) addUpdateRow(update, i, row);
    norms[i] = lengthOf(row);
  }
  return norms;
}

/**
 * Length of each column of E + update: DoRA's magnitudes and norms of a table.
 * @param table [rows, width], row by row
 * @param update of the table as it is stored (`transposeUpdate`); null = E alone
 * @returns [width]
 */
export function columnNorms(table: Float32Array, width: number, update: HostUpdate | null): Float32Array<ArrayBuffer> {
  const squares = new Float64Array(width);
  const row = new Float64Array(width);
  for (let i = 0; i < table.length / width; i += 1) {
    row.set(table.subarray(i * width, (i + 1) * width));
    if (update) addUpdateRow(update, i, row);
    for (let j = 0; j < width; j += 1) squares[j]! += row[j]! * row[j]!;
  }
  return Float32Array.from(squares, Math.sqrt);
}

export function lengthOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
