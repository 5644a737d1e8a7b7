/**
 * @file How long a tokenized example is: what batches are formed and memory is counted by.
 */
import { IGNORED_LABEL, type TokenizedExample } from './types.ts';

/** Tokens of a row that holds the example; of an encoder-decoder's source and answer the longer one. */
export function lengthOf({ inputIds, decoderIds }: TokenizedExample): number {
  return Math.max(inputIds.length, decoderIds?.length ?? 0);
}

/** Tokens of the longest example, at least 1. */
export function longestOf(examples: readonly TokenizedExample[]): number {
  return examples.reduce((most, example) => Math.max(most, lengthOf(example)), 1);
}

/** Tokens with a label. */
export function countLabels({ labels, decoderIds }: TokenizedExample): number {
  return decoderIds?.length ?? labels.reduce((count, label) => count + (label === IGNORED_LABEL ? 0 : 1), 0);
}
