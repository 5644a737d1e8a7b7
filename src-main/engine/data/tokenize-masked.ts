/**
 * @file One example for a masked language model: a text of which some tokens are hidden, or token ids whose labels say which are.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { digestExample, exampleText, type Example, type TokensExample } from './example.ts';
import { RowFault } from './faults.ts';
import { requireAsMany, requireKnown } from './known-tokens.ts';
import { maskTokens, type MaskedTokens } from './mask-tokens.ts';
import { surround } from './surround-text.ts';
import { IGNORED_LABEL, type RowSource, type TokenizeResult } from './types.ts';

export interface MaskContext {
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly vocabSize: number;
  /** Says which tokens are hidden. */
  readonly seed: number;
}

/** @throws RowFault where this row cannot be used */
export function tokenizeMasked(example: Example, source: RowSource, context: MaskContext): TokenizeResult {
  if (example.kind === 'tokens' && example.labels !== null) return readMasked(example, source, context);
  const { ids, fullLength } = readIds(example, context);
  const { inputIds, labels } = hide(ids, example, context);
  return toResult({ inputIds, labels }, source, fullLength, 0);
}

function readIds(example: Example, context: MaskContext): { ids: Int32Array; fullLength: number } {
  if (example.kind !== 'tokens') return surround(exampleText(example), context);
  requireKnown('input_ids', example.inputIds, context.vocabSize);
  const ids = Int32Array.from(example.inputIds.slice(0, context.maxLength));
  return { ids, fullLength: example.inputIds.length };
}

function hide(ids: Int32Array, example: Example, { tokenizer, vocabSize, seed }: MaskContext): MaskedTokens {
  const maskTokenId = tokenizer.tokenToId(tokenizer.specialTokens['mask_token'] ?? '');
  if (maskTokenId === null) {
    throw new RowFault('data/wrong-format', 'the tokenizer has no mask token, so nothing can be hidden', {
      hint: 'Give the tokenizer that the model was trained with, or rows of input_ids and labels.',
    });
  }
  return maskTokens(ids, {
    maskTokenId,
    vocabSize,
    isSpecial: (id) => tokenizer.isSpecial(id),
    seed,
    stream: Number(digestExample(example) & 0xffff_ffffn),
  });
}

/** Rows that were masked elsewhere: each label is the token that belongs there. */
function readMasked(
  { inputIds, labels }: TokensExample,
  source: RowSource,
  { vocabSize, maxLength }: MaskContext,
): TokenizeResult {
  const wanted = labels!;
  requireKnown('input_ids', inputIds, vocabSize);
  requireAsMany(inputIds, wanted);
  requireKnown(
    'labels',
    wanted.map((label) => (label === IGNORED_LABEL ? 0 : label)),
    vocabSize,
  );
  const cut = {
    inputIds: Int32Array.from(inputIds.slice(0, maxLength)),
    labels: Int32Array.from(wanted.slice(0, maxLength)),
  };
  return toResult(cut, source, inputIds.length, countLabels(wanted) - countLabels(cut.labels));
}

const countLabels = (labels: Iterable<number>): number =>
  [...labels].reduce((count, label) => count + (label === IGNORED_LABEL ? 0 : 1), 0);

function toResult(masked: MaskedTokens, source: RowSource, fullLength: number, supervisedCut: number): TokenizeResult {
  return {
    tokenized: { ...masked, target: null, decoderIds: null, source },
    allTokens: fullLength,
    fullLength,
    supervised: countLabels(masked.labels),
    supervisedCut,
  };
}
