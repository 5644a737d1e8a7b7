/**
 * @file The largest singular values: against matrices whose answer is known, and by what defines them.
 */
import { describe, expect, it } from 'vitest';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { findLargestSingular, type HostMatrix } from '../../../../src-main/engine/peft/svd.ts';

const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
  Array.from(x, (value, i) => value * y[i]!).reduce((sum, value) => sum + value, 0);
const rowOf = ({ values, columns }: HostMatrix, row: number) => values.subarray(row * columns, (row + 1) * columns);

function random(rows: number, columns: number): HostMatrix {
  return { values: drawNormal(5, `${rows}x${columns}`, rows * columns, 0.1), rows, columns };
}

describe('the largest singular values', () => {
  it('of a diagonal matrix are its largest entries', () => {
    const values = new Float32Array(30);
    [3, -7, 0.5, 2, 0].forEach((value, i) => (values[i * 6 + i] = value));
    const { values: found, left, right } = findLargestSingular({ values, rows: 5, columns: 6 }, 3);
    [7, 3, 2].forEach((value, k) => expect(found[k]).toBeCloseTo(value, 10));
    expect(Math.abs(left[0]![1]!)).toBeCloseTo(1, 10);
    expect(left[0]![1]! * right[0]![1]!).toBeCloseTo(-1, 10);
  });

  it.each([
    [4, 3, 2],
    [3, 4, 3],
    [40, 24, 24],
    [24, 40, 5],
    [200, 120, 8],
  ])(
    'of a random %d x %d matrix, %d of them, have orthonormal vectors that it maps to each other',
    (rows, columns, count) => {
      const matrix = random(rows, columns);
      const { values, left, right } = findLargestSingular(matrix, count);
      for (let k = 0; k < count; k += 1) {
        for (let i = 0; i < rows; i += 1) {
          expect(Math.abs(dot(rowOf(matrix, i), right[k]!) - values[k]! * left[k]![i]!)).toBeLessThan(
            1e-6 * values[0]!,
          );
        }
        for (let other = 0; other <= k; other += 1) {
          expect(dot(left[k]!, left[other]!)).toBeCloseTo(k === other ? 1 : 0, 6);
          expect(dot(right[k]!, right[other]!)).toBeCloseTo(k === other ? 1 : 0, 6);
        }
        if (k > 0) expect(values[k]).toBeLessThanOrEqual(values[k - 1]!);
      }
    },
  );

  it('are all there are: the whole matrix comes back', () => {
    const matrix = random(12, 9);
    const { values, left, right } = findLargestSingular(matrix, 9);
    for (let i = 0; i < 12; i += 1) {
      for (let j = 0; j < 9; j += 1) {
        const sum = Array.from(values, (value, k) => value * left[k]![i]! * right[k]![j]!).reduce((a, b) => a + b);
        expect(sum).toBeCloseTo(matrix.values[i * 9 + j]!, 9);
      }
    }
  });

  it('may be zero: a matrix of lower rank than asked, and one of zeros', () => {
    const one = {
      values: Float32Array.from({ length: 30 }, (_, at) => (Math.floor(at / 5) + 1) * ((at % 5) + 1)),
      rows: 6,
      columns: 5,
    };
    const { values, right } = findLargestSingular(one, 3);
    expect(values[0]).toBeCloseTo(Math.sqrt(91 * 55), 6);
    expect(values[1]! + values[2]!).toBeLessThan(1e-10);
    expect(dot(right[1]!, right[1]!)).toBeCloseTo(1, 6);
    const none = findLargestSingular({ values: new Float32Array(20), rows: 4, columns: 5 }, 2);
    expect([...none.values]).toEqual([0, 0]);
    expect(none.left[0]!.every(Number.isFinite)).toBe(true);
  });

  it('are the same each time', () => {
    expect(findLargestSingular(random(30, 20), 4)).toEqual(findLargestSingular(random(30, 20), 4));
  });
});
