/**
 * @file A masked language model's answer: the text with the likeliest word in each masked place.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { ClassProbability } from '../../../src-shared/domain/class-probability.ts';
import type { MaskedModel } from '../models/model.ts';
import { TableCache, tokenArrays } from '../steps/token-inputs.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerateRequest, GenerateResult } from './contract.ts';
import { requirePrompt } from './generate.ts';
import { requireFiniteScores } from './not-finite.ts';
import type { AnswerContext } from './task.ts';

/** @throws generate/empty-prompt, generate/too-long, generate/no-mask, generate/not-finite */
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
  const scoresAt = (at: number): Float32Array => logits!.slice(at * vocabSize, (at + 1) * vocabSize) as Float32Array;
  rows.forEach((place, at) => {
    const scores = scoresAt(at);
    requireFiniteScores(scores);
    filled[place] = scores.indexOf(scores.reduce((a, b) => Math.max(a, b), -Infinity));
  });
  const answer = tokenizer.decode(filled, { skipSpecialTokens: true }).trim();
  onText(answer);
  return {
    text: answer,
    // Of several places at once the words would be those of one of them.
    ...(rows.length === 1 && { classes: likeliestWords(tokenizer, scoresAt(0)) }),
    tokens: rows.length,
    prompt_tokens: ids.length,
    tokens_per_second: rows.length / Math.max(1e-6, (now() - started) / 1000),
    stop_reason: 'stop_token',
  };
}

const MOST_WORDS = 5;

/** The likeliest words of one place. @param scores [vocab] */
function likeliestWords(tokenizer: Tokenizer, scores: Float32Array): ClassProbability[] {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = scores.reduce((total, score) => total + Math.exp(score - most), 0);
  const best = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, MOST_WORDS);
  return best.map((id) => ({
    label: tokenizer.decode([id], { skipSpecialTokens: false }).trim() || (tokenizer.idToToken(id) ?? String(id)),
    probability: Math.exp(scores[id]! - most) / sum,
  }));
}
