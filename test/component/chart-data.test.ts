/** @file Curves as the table that is drawn. */
import { describe, expect, it } from 'vitest';
import {
  type ChartSeries,
  type Numbers,
  toTable,
  valueAt,
} from '../../src-renderer/components/shared/chart/chart-data.ts';
import { smooth } from '../../src-renderer/components/shared/chart/smoothing.ts';

function series(xs: Numbers, ys: Numbers): ChartSeries {
  return { name: 'a', color: 1, style: 'line', xs, ys };
}

describe('toTable', () => {
  it('joins nothing where series share their x values', () => {
    const xs = [1, 2, 3];
    const table = toTable([series(xs, [4, 5, 6]), series(xs, [7, 8, 9])]);
    expect(table).toEqual([xs, [4, 5, 6], [7, 8, 9]]);
    expect(table[0]).toBe(xs);
  });

  it('joins by x, in the order of the series', () => {
    const table = toTable([series([2, 4], [20, 40]), series([1, 2, 3, 4], [1, 2, 3, 4]), series([3], [30])]);
    const columns = table.map((column) => [...column].map((value) => value ?? null));
    expect(columns).toEqual([
      [1, 2, 3, 4],
      [null, 20, null, 40],
      [1, 2, 3, 4],
      [null, null, 30, null],
    ]);
  });

  it('keeps a column as it is where its x values are all that there are', () => {
    const ys = [1, 2, 3];
    const table = toTable([series([1, 2, 3], ys), series([2], [20])]);
    expect(table[1]).toBe(ys);
    expect(table[2]).toEqual([null, 20, null]);
    // As many rows, but not the same: 2 comes twice.
    expect(toTable([series([1, 2, 2], ys), series([3], [30])])).toEqual([
      [1, 2, 3],
      [1, 3, null],
      [null, null, 30],
    ]);
  });

  it('takes the x values of a series that has all others’, in whatever kind of array', () => {
    const all = Float64Array.of(1, 2, 3, 4);
    const table = toTable([series(all, Float64Array.of(5, 6, 7, 8)), series([2, 4], [20, 40])]);
    expect(table[0]).toBe(all);
    expect(table[2]).toEqual([null, 20, null, 40]);
    expect(toTable([series(all, all), series([2.5], [1])])[0]).toEqual([1, 2, 2.5, 3, 4]);
  });

  it('joins values whose x goes backwards or comes twice', () => {
    const table = toTable([series([1, 3, 2], [10, 30, 20]), series([2, 2, 4], [1, 2, 4])]);
    expect(table).toEqual([
      [1, 2, 3, 4],
      [10, 20, 30, null],
      [null, 2, null, 4],
    ]);
  });

  it('leaves gaps where a value is no number', () => {
    expect(toTable([series([1, 2, 3], [1, NaN, Infinity])])[1]).toEqual([1, null, null]);
  });

  it('takes a hundred thousand points in no time', () => {
    const xs = Array.from({ length: 100_000 }, (_, index) => index);
    const started = performance.now();
    toTable([series(xs, xs), series([10, 50_000], [1, 2])]);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('valueAt', () => {
  it('finds the last value before a gap', () => {
    const table = toTable([series([1, 2, 3, 4], [1, 2, 3, 4]), series([2], [20])]);
    expect(valueAt(table, 2, 3)).toBe(20);
    expect(valueAt(table, 2, 0)).toBeNull();
  });
});

describe('smooth', () => {
  it('keeps a constant, from its first value on', () => {
    expect([...smooth([3, 3, 3], 0.9)]).toEqual([expect.closeTo(3), expect.closeTo(3), expect.closeTo(3)]);
  });

  it('goes on after a gap', () => {
    expect([...smooth([1, NaN, 1], 0.5)]).toEqual([expect.closeTo(1), NaN, expect.closeTo(1)]);
  });

  it('does nothing with weight 0', () => {
    expect([...smooth([1, 5, 2], 0)]).toEqual([1, 5, 2]);
  });
});
