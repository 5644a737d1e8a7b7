/**
 * @file Holds out rows for evaluation: the same rows give the same split, in whatever order the files list them.
 *
 * Each distinct row gets a rank from its content and the seed; the lowest ranks are held out. Equal rows stay on one side, so that
 * the evaluation never asks for what was trained.
 */
import { randomUint32 } from './seeded-random.ts';

export interface Split {
  /** Positions in the given list, ascending. */
  readonly train: readonly number[];
  readonly eval: readonly number[];
}

/**
 * @param digests content of each row (`digestExample`)
 * @param evalFraction share to hold out; above 0 at least one row is, as long as one is left to train on
 */
export function splitRows(digests: ArrayLike<bigint>, evalFraction: number, seed: number): Split {
  const rowsOf = new Map<bigint, number[]>();
  for (let row = 0; row < digests.length; row++) {
    const rows = rowsOf.get(digests[row]!);
    if (rows === undefined) rowsOf.set(digests[row]!, [row]);
    else rows.push(row);
  }
  const ranked = [...rowsOf.keys()]
    .map((digest) => ({ digest, rank: rankOf(digest, seed) }))
    .sort((a, b) => a.rank - b.rank || (a.digest < b.digest ? -1 : 1));
  const wanted = evalFraction > 0 ? Math.max(1, Math.round(digests.length * evalFraction)) : 0;
  const held = new Set<number>();
  for (const { digest } of ranked.slice(0, -1)) {
    if (held.size >= wanted) break;
    for (const row of rowsOf.get(digest)!) held.add(row);
  }
  const all = Array.from({ length: digests.length }, (_, row) => row);
  return { train: all.filter((row) => !held.has(row)), eval: all.filter((row) => held.has(row)) };
}

function rankOf(digest: bigint, seed: number): number {
  return randomUint32(seed, Number(digest >> 32n), Number(digest & 0xffffffffn));
}
