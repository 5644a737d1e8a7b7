/**
 * @file The largest singular values of a matrix and their vectors, on the host.
 *
 * Golub and Kahan's bidiagonalization with full reorthogonalization: each step multiplies by W and by its transpose once, and the
 * small bidiagonal matrix soon has the largest singular values of W. Steps are added until those wanted stand still, at the latest when
 * the basis is complete and the answer exact. Everything runs in double precision; W is only read.
 * Source: Golub and Van Loan, Matrix Computations, 10.4; the small problem by one-sided Jacobi rotations (8.6.3).
 */
import { drawNormal } from './initial-values.ts';

/** A matrix [rows, columns], row by row. */
export interface HostMatrix {
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

export interface LargestSingular {
  /** Largest first. */
  readonly values: Float64Array;
  /** One vector of length rows for each value. */
  readonly left: readonly Float64Array[];
  /** One vector of length columns for each value. */
  readonly right: readonly Float64Array[];
}

/** Error of a singular triple, as a part of the largest value, that counts as none in float32. */
const TOLERANCE = 1e-7;
const MORE_STEPS = 24;

/** @param count at most the smaller side; vectors of one sign or the other, as the start (always the same) has it */
export function findLargestSingular(matrix: HostMatrix, count: number): LargestSingular {
  if (matrix.columns > matrix.rows) {
    const { values, left, right } = findInTall(transposed(matrix), count);
    return { values, left: right, right: left };
  }
  return findInTall(operatorOf(matrix), count);
}

/** A matrix as what it does to vectors; at least as many rows as columns, so that a full basis of columns spans all of it. */
interface TallOperator {
  readonly rows: number;
  readonly columns: number;
  /** W v */
  times(v: Float64Array): Float64Array;
  /** W^T u */
  timesTransposed(u: Float64Array): Float64Array;
}

function operatorOf(matrix: HostMatrix): TallOperator {
  const { rows, columns } = matrix;
  return {
    rows,
    columns,
    times: (v) => multiply(matrix, v),
    timesTransposed: (u) => multiplyTransposed(matrix, u),
  };
}

function transposed(matrix: HostMatrix): TallOperator {
  const { rows, columns } = matrix;
  return {
    rows: columns,
    columns: rows,
    times: (v) => multiplyTransposed(matrix, v),
    timesTransposed: (u) => multiply(matrix, u),
  };
}

function findInTall(matrix: TallOperator, count: number): LargestSingular {
  const all = matrix.columns;
  const basis = new Bidiagonalization(matrix);
  for (
    let steps = Math.min(all, 2 * count + MORE_STEPS);
    ;
    steps = Math.min(all, steps + Math.max(MORE_STEPS, count))
  ) {
    basis.extend(steps);
    const small = basis.solve();
    const error = Math.max(...small.slice(0, count).map(({ left }) => Math.abs(basis.remainder * left.at(-1)!)));
    if (steps < all && error > TOLERANCE * small[0]!.value) continue;
    const kept = small.slice(0, count);
    return {
      values: Float64Array.from(kept, ({ value }) => value),
      left: kept.map(({ left }) => combine(basis.left, left)),
      right: kept.map(({ right }) => combine(basis.right, right)),
    };
  }
}

interface SmallTriple {
  readonly value: number;
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/** W right = left C with a small upper bidiagonal C: `alphas` on the diagonal, `betas` above it. */
class Bidiagonalization {
  readonly left: Float64Array[] = [];
  readonly right: Float64Array[] = [];
  readonly #alphas: number[] = [];
  readonly #betas: number[] = [];
  readonly #matrix: TallOperator;
  #next: Float64Array;
  #remainder = 0;

  constructor(matrix: TallOperator) {
    this.#matrix = matrix;
    this.#next = normalized(Float64Array.from(drawNormal(0, 'svd', matrix.columns, 1)));
  }

  get size(): number {
    return this.left.length;
  }

  /** Length of what W has outside the basis, in the direction that comes next. */
  get remainder(): number {
    return this.#remainder;
  }

  extend(steps: number): void {
    while (this.size < steps) {
      const v = this.#next;
      const u = this.#matrix.times(v);
      makeOrthogonal(u, this.left);
      const alpha = this.#settle(u, this.left);
      this.right.push(v);
      this.left.push(u);
      this.#alphas.push(alpha);
      if (this.size === this.#matrix.columns) {
        this.#remainder = 0;
        return;
      }
      const w = this.#matrix.timesTransposed(u);
      makeOrthogonal(w, this.right);
      this.#remainder = this.#settle(w, this.right);
      this.#betas.push(this.#remainder);
      this.#next = w;
    }
  }

  /** Makes a unit vector of what is left; of nothing, a new direction with coefficient zero. */
  #settle(vector: Float64Array, others: readonly Float64Array[]): number {
    const length = lengthOf(vector);
    const scale = this.#alphas[0] ?? 0;
    if (length > 1e-13 * scale && length > 0) {
      scaleBy(vector, 1 / length);
      return length;
    }
    vector.set(drawNormal(others.length + 1, 'svd', vector.length, 1));
    makeOrthogonal(vector, others);
    scaleBy(vector, 1 / lengthOf(vector));
    return 0;
  }

  /** Singular triples of the small matrix, largest first. */
  solve(): SmallTriple[] {
    const size = this.size;
    const columns = Array.from({ length: size }, (_, column) => {
      const values = new Float64Array(size);
      values[column] = this.#alphas[column]!;
      if (column > 0) values[column - 1] = this.#betas[column - 1]!;
      return values;
    });
    return jacobi(columns);
  }
}

/** One-sided Jacobi: rotates pairs of columns until all are orthogonal; then they are left vectors times values. */
function jacobi(columns: Float64Array[]): SmallTriple[] {
  const size = columns.length;
  const rotations = Array.from({ length: size }, (_, i) => {
    const unit = new Float64Array(size);
    unit[i] = 1;
    return unit;
  });
  for (let sweep = 0, rotated = true; rotated && sweep < 60; sweep += 1) {
    rotated = false;
    for (let p = 0; p < size - 1; p += 1) {
      for (let q = p + 1; q < size; q += 1) {
        if (orthogonalize(columns[p]!, columns[q]!, rotations[p]!, rotations[q]!)) rotated = true;
      }
    }
  }
  return columns
    .map((column, i): SmallTriple => {
      const value = lengthOf(column);
      if (value > 0) scaleBy(column, 1 / value);
      return { value, left: column, right: rotations[i]! };
    })
    .sort((a, b) => b.value - a.value);
}

function orthogonalize(x: Float64Array, y: Float64Array, right1: Float64Array, right2: Float64Array): boolean {
  const xx = dot(x, x);
  const yy = dot(y, y);
  const xy = dot(x, y);
  if (Math.abs(xy) <= 1e-15 * Math.sqrt(xx * yy) || xy === 0) return false;
  const zeta = (yy - xx) / (2 * xy);
  const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  rotate(x, y, cosine, cosine * tangent);
  rotate(right1, right2, cosine, cosine * tangent);
  return true;
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i += 1) {
    const kept = x[i]!;
    x[i] = cosine * kept - sine * y[i]!;
    y[i] = sine * kept + cosine * y[i]!;
  }
}

/** W v */
function multiply({ values, rows, columns }: HostMatrix, vector: Float64Array): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i += 1) {
    let sum = 0;
    for (let j = 0, at = i * columns; j < columns; j += 1, at += 1) sum += values[at]! * vector[j]!;
    out[i] = sum;
  }
  return out;
}

/** W^T u */
function multiplyTransposed({ values, rows, columns }: HostMatrix, vector: Float64Array): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i += 1) {
    const factor = vector[i]!;
    for (let j = 0, at = i * columns; j < columns; j += 1, at += 1) out[j]! += factor * values[at]!;
  }
  return out;
}

/** Twice, because once leaves rounding errors as large as what was taken away. */
function makeOrthogonal(vector: Float64Array, others: readonly Float64Array[]): void {
  for (let pass = 0; pass < 2; pass += 1) {
    for (const other of others) {
      const part = dot(vector, other);
      for (let i = 0; i < vector.length; i += 1) vector[i]! -= part * other[i]!;
    }
  }
}

function combine(basis: readonly Float64Array[], weights: Float64Array): Float64Array {
  const out = new Float64Array(basis[0]!.length);
  for (const [k, vector] of basis.entries()) {
    const weight = weights[k]!;
    for (let i = 0; i < out.length; i += 1) out[i]! += weight * vector[i]!;
  }
  return out;
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += x[i]! * y[i]!;
  return sum;
}

function lengthOf(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}

function scaleBy(vector: Float64Array, factor: number): void {
  for (let i = 0; i < vector.length; i += 1) vector[i]! *= factor;
}

function normalized(vector: Float64Array): Float64Array {
  scaleBy(vector, 1 / lengthOf(vector));
  return vector;
}
