/**
 * @file Series as the app has them (each with its own x values) turned into the one table that uPlot draws.
 */
import type uPlot from 'uplot';

export interface ChartSeries {
  readonly name: string;
  /** Colour of the chart palette, 1 to 6. */
  readonly color: number;
  /** faint: raw values behind a smoothed line; points: few values, each marked. */
  readonly style: 'line' | 'faint' | 'points';
  /** Ascending. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Left out of the list of values under the cursor. */
  readonly unlisted?: boolean;
}

/**
 * Joins the series by x. Series that share their x array need no joining, which keeps 100,000 points cheap.
 * @returns x values, then one column for each series, null where a series has no value
 */
export function toTable(series: readonly ChartSeries[]): uPlot.AlignedData {
  const groups = new Map<readonly number[], number[]>();
  for (const [index, { xs }] of series.entries()) groups.set(xs, [...(groups.get(xs) ?? []), index]);
  const columns = series.map(({ ys }) => finiteOrNull(ys));
  const [only] = groups.keys();
  if (only === undefined) return [[]];
  if (groups.size === 1) return [only as number[], ...columns];
  const all = [...groups.keys()];
  const joined = all.every(isAscending) ? mergeAscending(all) : mergeAny(all);
  return [joined, ...series.map(({ xs }, index) => spread(xs, columns[index] ?? [], joined))];
}

/** One pass over all lists: a chart at work is joined anew with every step that comes. */
function mergeAscending(lists: readonly (readonly number[])[]): number[] {
  const merged: number[] = [];
  const heads = lists.map(() => 0);
  for (;;) {
    let next = Infinity;
    for (const [index, list] of lists.entries()) next = Math.min(next, list[heads[index] ?? 0] ?? Infinity);
    if (next === Infinity) return merged;
    merged.push(next);
    for (const [index, list] of lists.entries()) {
      let head = heads[index] ?? 0;
      while (list[head] === next) head += 1;
      heads[index] = head;
    }
  }
}

/** Time that went backwards, as it does where a clock was set. */
function mergeAny(lists: readonly (readonly number[])[]): number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

/** Values at the rows of the joined x values, null where there is none. */
function spread(xs: readonly number[], ys: readonly (number | null)[], joined: readonly number[]): (number | null)[] {
  // Every x is in the joined ones: as many, so the same. A column without gaps stays one of plain numbers, which is drawn faster.
  if (xs.length === joined.length && isRising(xs)) return ys as (number | null)[];
  const column = new Array<number | null>(joined.length).fill(null);
  let row = 0;
  for (const [index, x] of xs.entries()) {
    if (x < (joined[row] ?? Infinity)) row = 0;
    while ((joined[row] ?? Infinity) < x) row += 1;
    column[row] = ys[index] ?? null;
  }
  return column;
}

function isAscending(xs: readonly number[]): boolean {
  return xs.every((x, index) => x >= (xs[index - 1] ?? -Infinity));
}

function isRising(xs: readonly number[]): boolean {
  return xs.every((x, index) => index === 0 || x > (xs[index - 1] ?? Infinity));
}

/** The value at a row or, where the series has none there, the last one before it. */
export function valueAt(table: uPlot.AlignedData, column: number, row: number): number | null {
  const values = table[column];
  for (let at = row; at >= 0; at--) {
    const value = values?.[at];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

function finiteOrNull(values: readonly number[]): (number | null)[] {
  return values.every(Number.isFinite)
    ? (values as number[])
    : values.map((value) => (Number.isFinite(value) ? value : null));
}
