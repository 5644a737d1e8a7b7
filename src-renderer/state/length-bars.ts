/**
 * @file Where a length lies among bars of one width each, which stand for ranges of different widths.
 */

export interface LengthBar {
  readonly from: number;
  /** null = all that is longer. */
  readonly to: number | null;
}

export interface LengthPlace {
  /** Of the width of all bars, 0 to 1. */
  readonly share: number;
  /** True where it lies behind the last bar. */
  readonly isBeyond: boolean;
}

/** @param bars ascending, without gaps */
export function placeOfLength(bars: readonly LengthBar[], length: number): LengthPlace {
  const index = bars.findLastIndex(({ from }) => from <= length);
  const bar = bars[index];
  if (bar === undefined) return { share: 0, isBeyond: false };
  if (bar.to !== null && length >= bar.to) return { share: 1, isBeyond: true };
  const within = bar.to === null ? 0 : (length - bar.from) / (bar.to - bar.from);
  return { share: (index + within) / bars.length, isBeyond: false };
}
