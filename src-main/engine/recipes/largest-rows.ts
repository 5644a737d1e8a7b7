/**
 * @file The rows of a run that need most memory: those with the longest examples.
 */
import { layOutRows } from '../data/row-layout.ts';
import { packRows } from '../data/packing.ts';

/** More examples than the largest batch holds. */
export const MOST_EXAMPLES = 4096;

/** What memory is counted by. */
export interface Grid {
  readonly batch: number;
  /** Tokens of each row. */
  readonly rowTokens: number;
}

/**
 * @param lengths tokens of each example, or another size that rows are chosen by, as `sizes`
 * @returns example indices of packed rows, the largest in sum first
 */
export function largestPackedRows(
  lengths: readonly number[],
  maxLength: number,
  sizes: readonly number[] = lengths,
): number[][] {
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b).slice(0, MOST_EXAMPLES);
  const total = (row: readonly number[]): number => row.reduce((sum, example) => sum + sizes[example]!, 0);
  return packRows(lengths, order, maxLength).sort((a, b) => total(b) - total(a));
}

/** The grid of the batch of the largest packed rows, as it is laid out for a step (row-layout.ts). */
export function largestPackedGrid(
  lengths: readonly number[],
  { batch, maxLength, tokenCost }: { readonly batch: number; readonly maxLength: number; readonly tokenCost: number },
): Grid {
  const rows = largestPackedRows(lengths, maxLength).slice(0, batch);
  const own = rows.map((row) => row.map((example) => Math.min(lengths[example]!, maxLength)));
  const laid = layOutRows(own, { lengthOf: (length) => length, maxLength, tokenCost });
  const longest = Math.max(1, ...laid.map((row) => row.reduce((sum, length) => sum + length, 0)));
  return { batch: laid.length, rowTokens: longest };
}
