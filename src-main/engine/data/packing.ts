/**
 * @file Puts several short examples into one row, so that little of a batch is padding.
 *
 * First-fit decreasing inside windows of the (shuffled) order: near the best packing, without collecting all long examples at the
 * beginning of the epoch. The examples of a row cannot see each other (block-diagonal attention, restarted positions).
 */

const WINDOW = 1024;

/**
 * @param lengths tokens of each example
 * @param order indices of the examples to pack
 * @returns rows of example indices, each at most `maxLength` tokens in sum; an example longer than that stands alone
 */
export function packRows(lengths: ArrayLike<number>, order: readonly number[], maxLength: number): number[][] {
  const rows: number[][] = [];
  for (let start = 0; start < order.length; start += WINDOW) {
    rows.push(...packWindow(lengths, order.slice(start, start + WINDOW), maxLength));
  }
  return rows;
}

function packWindow(lengths: ArrayLike<number>, window: number[], maxLength: number): number[][] {
  const rows: number[][] = [];
  const room: number[] = [];
  // Sorting is stable, so equal lengths keep the shuffled order.
  for (const example of window.sort((a, b) => lengths[b]! - lengths[a]!)) {
    const length = lengths[example]!;
    let row = room.findIndex((left) => left >= length);
    if (row < 0) row = rows.push([]) - 1;
    rows[row]!.push(example);
    room[row] = (room[row] ?? maxLength) - length;
  }
  return rows;
}
