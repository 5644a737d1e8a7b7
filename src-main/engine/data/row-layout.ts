/**
 * @file Lays the examples of one packed batch out in the rows that cost least.
 *
 * Attention compares every token of a row with every other, those of other examples included, so short rows are cheaper; but the
 * shorter the rows, the more of them ends as padding. Which examples a batch holds, and so its gradient, stays the same.
 */
import { packRows } from './packing.ts';

/** Lengths that are tried are multiples of this, each at least `GROWTH` times the one before: more shapes would gain little. */
const STEP = 64;
const GROWTH = 1.2;

export interface RowLayoutOptions<Example> {
  /** Tokens of an example. */
  readonly lengthOf: (example: Example) => number;
  /** Tokens that a row may hold. */
  readonly maxLength: number;
  /** What a token costs by itself, where one pair of tokens of a row costs 1. */
  readonly tokenCost: number;
}

/** @returns `rows` themselves where no other layout of their examples is cheaper */
export function layOutRows<Example>(
  rows: readonly (readonly Example[])[],
  { lengthOf, maxLength, tokenCost }: RowLayoutOptions<Example>,
): readonly (readonly Example[])[] {
  const costOf = (layout: typeof rows): number => {
    const longest = Math.max(...layout.map((row) => row.reduce((sum, example) => sum + lengthOf(example), 0)));
    return layout.length * longest * (tokenCost + longest);
  };
  const examples = rows.flat();
  const lengths = examples.map(lengthOf);
  let [best, least] = [rows, costOf(rows)];
  for (let length = roundUp(Math.max(...lengths)); length < maxLength; length = roundUp(length * GROWTH)) {
    const layout = packRows(lengths, [...lengths.keys()], length).map((row) => row.map((index) => examples[index]!));
    const cost = costOf(layout);
    if (cost < least) [best, least] = [layout, cost];
  }
  return best;
}

const roundUp = (length: number): number => Math.ceil(length / STEP) * STEP;
