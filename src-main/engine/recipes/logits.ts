/**
 * @file Logits of a text or of token ids: what other programs' figures are compared with.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { AnyModel } from '../models/model.ts';
import { readRows } from '../steps/classifier-task.ts';
import { logitsEntry } from '../steps/evaluate-step.ts';
import { TableCache, tokenArrays } from '../steps/token-inputs.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ComputeLogits, ComputeLogitsOptions, Logits } from './contract.ts';
import { type InferenceSession, openInferenceSession } from './inference-session.ts';
import { padTokenOf } from './tasks/make-task.ts';

/** @throws logits/no-tokens, logits/token-outside-vocabulary, logits/too-long, logits/decoder-tokens */
export const computeLogits: ComputeLogits = async (options) => {
  const session = await openInferenceSession(options.host, options, (parts) => ({ entries: [logitsEntry(parts)] }));
  try {
    const { model } = session;
    const ids = await inputIds(options, session.tokenizer);
    const decoderIds = decoderInput(model, options.decoderTokens);
    const { vocabSize, maxPositions } = model.facts;
    for (const row of [ids, ...(decoderIds ? [decoderIds] : [])]) {
      requireTokens(row, vocabSize, model.tablesDependOnLength ? Infinity : maxPositions);
    }
    return readLogits(session, { ids, decoderIds });
  } finally {
    session.dispose();
  }
};

export interface LogitsInput {
  readonly ids: Int32Array;
  /** What the decoder of an encoder-decoder reads; null for all others. */
  readonly decoderIds: Int32Array | null;
  /** Only the last so many positions; left out = all. */
  readonly last?: number;
}

/** Of a session that has the entry `logits`. */
export function readLogits(
  { model, opened, program }: Pick<InferenceSession, 'model' | 'opened' | 'program'>,
  { ids, decoderIds, last = Infinity }: LogitsInput,
): Logits {
  const tokens = { ...oneRow(ids), batch: 1, decoder: decoderIds ? oneRow(decoderIds) : null };
  const { arrays, sizes } = tokenArrays(new TableCache(model), tokens);
  const rows =
    model.kind === 'classifier'
      ? readRows(model, tokens, padTokenOf(opened))
      : Int32Array.from(decoderIds ?? ids, (_, index) => index).slice(-last);
  const { logits } = program.call('logits', { ...sizes, rows: rows.length }, { ...arrays, rows });
  const width = model.kind === 'classifier' ? model.labels : model.facts.vocabSize;
  return { data: new Float32Array(logits as Float32Array), shape: [rows.length, width] };
}

function oneRow(ids: Int32Array) {
  return {
    seq: ids.length,
    inputIds: ids,
    positionIds: Int32Array.from(ids, (_, index) => index),
    segmentIds: new Int32Array(ids.length).fill(1),
  };
}

/** @returns null where the model has no decoder of its own */
function decoderInput(model: AnyModel, given: readonly number[] | null): Int32Array | null {
  if (model.kind === 'encoder-decoder') return Int32Array.from(given ?? [model.decoderStartTokenId]);
  if (given === null) return null;
  throw new AppError(
    'logits/decoder-tokens',
    `A ${model.facts.modelType} model has no decoder that reads tokens of its own`,
    {
      hint: 'Leave --decoder-tokens away.',
    },
  );
}

async function inputIds({ input }: ComputeLogitsOptions, tokenizer: () => Promise<Tokenizer>): Promise<Int32Array> {
  if ('tokens' in input) return Int32Array.from(input.tokens);
  return (await tokenizer()).encode(input.text, { addSpecialTokens: true });
}

function requireTokens(ids: Int32Array, vocabSize: number, maxPositions: number): void {
  if (ids.length === 0) throw new AppError('logits/no-tokens', 'There are no tokens', { hint: 'Give at least one.' });
  const outside = ids.findIndex((id) => id < 0 || id >= vocabSize);
  if (outside >= 0) {
    throw new AppError(
      'logits/token-outside-vocabulary',
      `Token ${ids[outside]} (number ${outside + 1}) is outside the vocabulary of ${vocabSize}`,
      { hint: `Use ids from 0 to ${vocabSize - 1}.` },
    );
  }
  if (ids.length > maxPositions) {
    throw new AppError('logits/too-long', `${ids.length} tokens are more than the model's ${maxPositions} positions`, {
      hint: 'Give fewer tokens.',
    });
  }
}
