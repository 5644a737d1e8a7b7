/**
 * @file Series as the app has them (each with its own x values) turned into the one table that uPlot draws.
 */
import type uPlot from 'uplot';

/** Many of them are best kept in a typed array: what searches the heap for garbage does not see those. */
export type Numbers = readonly number[] | Float64Array;

export interface ChartSeries {
  readonly name: string;
  /** Colour of the chart palette, 1 to 6. */
  readonly color: number;
  /** faint: raw values behind a smoothed line; points: few values, each marked. */
  readonly style: 'line' | 'faint' | 'points';
  /** Ascending. */
  readonly xs: Numbers;
  readonly ys: Numbers;
  /** Left out of the list of values under the cursor. */
  readonly unlisted?: boolean;
}

type Column = Numbers | readonly (number | null)[];

/**
 * Joins the series by x. Series that share their x array need no joining, nor do those whose x values are all in another's: that keeps
 * 100,000 points cheap.
 * @returns x values, then one column for each series, null where a series has no value
 */
export function toTable(series: readonly ChartSeries[]): uPlot.AlignedData {
  const lists = [...new Set(series.map(({ xs }) => xs))];
  const columns = series.map(({ ys }) => finiteOrNull(ys));
  const [only] = lists;
  if (only === undefined) return [[]];
  const joined = lists.length === 1 ? only : joinLists(lists);
  return [joined, ...series.map(({ xs }, index) => spread(xs, columns[index] ?? [], joined))] as uPlot.AlignedData;
}

function joinLists(lists: readonly Numbers[]): Numbers {
  const longest = lists.reduce((long, list) => (list.length > long.length ? list : long));
  if (isRising(longest) && lists.every((list) => isWithin(list, longest))) return longest;
  return lists.every(isAscending) ? mergeAscending(lists) : mergeAny(lists);
}

/** One pass over both. @param all rising */
function isWithin(list: Numbers, all: Numbers): boolean {
  let at = 0;
  for (let index = 0; index < list.length; index++) {
    const x = list[index] ?? NaN;
    while ((all[at] ?? Infinity) < x) at += 1;
    if (all[at] !== x) return false;
  }
  return true;
}

/** One pass over all lists: a chart at work is joined anew with every step that comes. */
function mergeAscending(lists: readonly Numbers[]): number[] {
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
function mergeAny(lists: readonly Numbers[]): number[] {
  return [...new Set(lists.flatMap((list) => [...list]))].sort((a, b) => a - b);
}

/** Values at the rows of the joined x values, null where there is none. */
function spread(xs: Numbers, ys: Column, joined: Numbers): Column {
  // Every x is in the joined ones: as many, so the same. A column without gaps stays one of plain numbers, which is drawn faster.
  if (xs === joined || (xs.length === joined.length && isRising(xs))) return ys;
  const column = new Array<number | null>(joined.length).fill(null);
  let row = 0;
  for (let index = 0; index < xs.length; index++) {
    const x = xs[index] ?? NaN;
    if (x < (joined[row] ?? Infinity)) row = 0;
    while ((joined[row] ?? Infinity) < x) row += 1;
    column[row] = ys[index] ?? null;
  }
  return column;
}

function isAscending(xs: Numbers): boolean {
  for (let index = 1; index < xs.length; index++) if ((xs[index] ?? 0) < (xs[index - 1] ?? 0)) return false;
  return true;
}

function isRising(xs: Numbers): boolean {
  for (let index = 1; index < xs.length; index++) if (!((xs[index] ?? 0) > (xs[index - 1] ?? 0))) return false;
  return true;
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

function finiteOrNull(values: Numbers): Column {
  return areFinite(values) ? values : Array.from(values, (value) => (Number.isFinite(value) ? value : null));
}

function areFinite(values: Numbers): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false;
  return true;
}
