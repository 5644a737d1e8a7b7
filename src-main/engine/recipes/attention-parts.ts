/**
 * @file Into how many parts causal attention is cut: each leaves out the keys behind its last query (ops/attention.ts).
 */
import { LENGTH_STEP } from '../data/batches.ts';
import type { Execution } from './execution.ts';

/**
 * From these lengths on, what is left out of the scores is more than what cutting costs; test/bench/LOG.md has the figures. Where what lies
 * between the products is fused, scores cost less and cutting does not; where each op has a thread of its own, cutting costs little.
 */
const PARTS_FROM: readonly (readonly [length: number, parts: number])[] = [
  [512, 4],
  [256, 2],
];
const PARTS_FROM_IF_FUSED: typeof PARTS_FROM = [
  [2048, 4],
  [512, 2],
];

const PARTS_FROM_IF_SHARDED: typeof PARTS_FROM = [[256, 4]];

/**
 * @param longest tokens of the longest row
 * @param most tokens that a row may have
 * @param steps `fused`: kernels run what lies between the products; `shards` as in `Execution`
 * @returns a number that divides the length of every batch, since lengths are multiples of LENGTH_STEP or `most` itself
 */
export function chooseAttentionParts(
  longest: number,
  most: number,
  { fused, shards }: Pick<Execution, 'fused' | 'shards'>,
): number {
  if (most % LENGTH_STEP !== 0) return 1;
  const partsFrom = shards > 1 ? PARTS_FROM_IF_SHARDED : fused ? PARTS_FROM_IF_FUSED : PARTS_FROM;
  return partsFrom.find(([length]) => longest >= length)?.[1] ?? 1;
}
