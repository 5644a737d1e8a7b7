/**
 * @file Logits of a text or of token ids: what other programs' figures are compared with.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { readRows } from '../steps/classifier-task.ts';
import { logitsEntry } from '../steps/evaluate-step.ts';
import { TableCache, tokenArrays } from '../steps/token-inputs.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ComputeLogits, ComputeLogitsOptions } from './contract.ts';
import { openInferenceSession } from './inference-session.ts';
import { padTokenOf } from './tasks/make-task.ts';

/** @throws logits/no-tokens, logits/token-outside-vocabulary, logits/too-long */
export const computeLogits: ComputeLogits = async (options) => {
  const session = await openInferenceSession(options.host, options, (parts) => ({ entries: [logitsEntry(parts)] }));
  try {
    const { model, opened, program } = session;
    const ids = await inputIds(options, session.tokenizer);
    requireTokens(ids, model.facts.vocabSize, model.tablesDependOnLength ? Infinity : model.facts.maxPositions);
    const seq = ids.length;
    const tokens = {
      batch: 1,
      seq,
      inputIds: ids,
      positionIds: Int32Array.from(ids, (_, index) => index),
      segmentIds: new Int32Array(seq).fill(1),
    };
    const { arrays, sizes } = tokenArrays(new TableCache(model), tokens);
    const rows =
      model.kind === 'classifier'
        ? readRows(model, tokens, padTokenOf(opened))
        : Int32Array.from(ids, (_, index) => index);
    const { logits } = program.call('logits', { ...sizes, rows: rows.length }, { ...arrays, rows });
    const width = model.kind === 'classifier' ? model.labels : model.facts.vocabSize;
    return { data: new Float32Array(logits as Float32Array), shape: [rows.length, width] };
  } finally {
    session.dispose();
  }
};

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
