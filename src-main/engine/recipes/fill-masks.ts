/**
 * @file A masked language model's answer: the text with the likeliest word in each masked place.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { MaskedModel } from '../models/model.ts';
import { TableCache, tokenArrays } from '../steps/token-inputs.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerateRequest, GenerateResult } from './contract.ts';
import { requirePrompt } from './generate.ts';
import type { AnswerContext } from './task.ts';

/** @throws generate/empty-prompt, generate/too-long, generate/no-mask */
export function fillMasks(
  { model, tokenizer }: { readonly model: MaskedModel; readonly tokenizer: Tokenizer },
  { program, now }: AnswerContext,
  { input, onText }: GenerateRequest,
): GenerateResult {
  const { vocabSize, maxPositions } = model.facts;
  const text = 'prompt' in input ? input.prompt : (input.messages.at(-1)?.content ?? '');
  const ids = tokenizer.encode(text, { addSpecialTokens: true });
  requirePrompt(ids, maxPositions + 1);
  const mask = tokenizer.specialTokens['mask_token'] ?? null;
  const maskId = mask === null ? null : tokenizer.tokenToId(mask);
  const rows = Int32Array.from([...ids.keys()].filter((index) => ids[index] === maskId));
  if (rows.length === 0) {
    throw new AppError('generate/no-mask', 'This model fills in masked words and writes no text of its own', {
      hint:
        mask === null
          ? 'Fine-tune it as a classifier.'
          : `Put ${mask} where a word is to be found, or fine-tune it as a classifier.`,
    });
  }
  const started = now();
  const tokens = {
    batch: 1,
    seq: ids.length,
    inputIds: ids,
    positionIds: Int32Array.from(ids, (_, index) => index),
    segmentIds: new Int32Array(ids.length).fill(1),
  };
  const { arrays, sizes } = tokenArrays(new TableCache(model), tokens);
  const { logits } = program.call('logits', { ...sizes, rows: rows.length }, { ...arrays, rows });
  const filled = ids.slice();
  rows.forEach((place, at) => {
    const scores = logits!.subarray(at * vocabSize, (at + 1) * vocabSize) as Float32Array;
    filled[place] = scores.indexOf(scores.reduce((a, b) => Math.max(a, b), -Infinity));
  });
  const answer = tokenizer.decode(filled, { skipSpecialTokens: true }).trim();
  onText(answer);
  return {
    text: answer,
    tokens: rows.length,
    prompt_tokens: ids.length,
    tokens_per_second: rows.length / Math.max(1e-6, (now() - started) / 1000),
    stop_reason: 'stop_token',
  };
}
