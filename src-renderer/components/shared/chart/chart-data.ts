/**
 * @file Series as the app has them (each with its own x values) turned into the one table that uPlot draws.
 */
import uPlot from 'uplot';

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
  const tables = [...groups].map(
    ([xs, indices]) =>
      [xs as number[], ...indices.map((index) => finiteOrNull(series[index]?.ys ?? []))] as uPlot.AlignedData,
  );
  const [only] = tables;
  if (only === undefined) return [[]];
  const joined = tables.length === 1 ? only : uPlot.join(tables);
  const order = [...groups.values()].flat();
  return [joined[0], ...series.map((_, index) => joined[1 + order.indexOf(index)])] as uPlot.AlignedData;
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
