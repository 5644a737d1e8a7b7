import { describe, expect, it } from 'vitest';
import { layOutRows } from '../../../../src-main/engine/data/row-layout.ts';

const options = { lengthOf: (length: number) => length, maxLength: 512, tokenCost: 1024 };
const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const sums = (rows: readonly (readonly number[])[]) => rows.map((row) => row.reduce((sum, length) => sum + length, 0));

describe('layOutRows', () => {
  it('takes short rows for short examples, with little padding', () => {
    const rows = [Array<number>(10).fill(50), Array<number>(10).fill(50)];
    const laid = layOutRows(rows, options);
    expect(ascending(laid.flat())).toEqual(ascending(rows.flat()));
    expect(laid).toEqual(Array.from({ length: 20 }, () => [50]));
  });

  it('fills rows up where examples of several lengths go together', () => {
    const rows = [
      [200, 150, 150],
      [130, 120, 100, 100, 50],
    ];
    const laid = layOutRows(rows, options);
    expect(ascending(laid.flat())).toEqual(ascending(rows.flat()));
    expect(sums(laid)).toEqual([250, 250, 250, 250]);
  });

  it('keeps what cannot be had cheaper: one long example decides the length of all rows', () => {
    const rows = [[500], [250, 250]];
    expect(layOutRows(rows, options)).toBe(rows);
  });

  it('never makes a row longer than allowed, nor a costlier layout', () => {
    const cost = (rows: readonly (readonly number[])[]) => {
      const longest = Math.max(...sums(rows));
      return rows.length * longest * (options.tokenCost + longest);
    };
    for (let seed = 1; seed <= 50; seed += 1) {
      const rows = Array.from({ length: 3 }, (_, row) =>
        Array.from({ length: 4 }, (_, index) => 1 + ((seed * 37 + row * 53 + index * 71) % 127)),
      );
      const laid = layOutRows(rows, options);
      expect(ascending(laid.flat())).toEqual(ascending(rows.flat()));
      expect(Math.max(...sums(laid))).toBeLessThanOrEqual(512);
      expect(cost(laid)).toBeLessThanOrEqual(cost(rows));
    }
  });
});
