/**
 * @file Masked language models (encoders as they were pre-trained) in the recipes: they are evaluated, and trained as classifiers only.
 */
import type { MaskedModel } from '../../models/model.ts';
import { languageTask } from '../../steps/language-task.ts';
import { logitsEntry } from '../../steps/evaluate-step.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { fillMasks } from '../fill-masks.ts';
import { makeEmptyMeter, type Task } from '../task.ts';

export interface MaskedModelOptions {
  readonly model: MaskedModel;
  readonly tokenizer: Tokenizer;
}

export function maskedModelTask({ model, tokenizer }: MaskedModelOptions): Task {
  return {
    type: 'MASKED_LM',
    batching: { padTokenId: tokenizer.padTokenId ?? 0, predicts: 'masked' },
    figures: {},
    makeStep: (tables, chunks) => languageTask({ model, tables, chunks }),
    answering: ({ plan, buckets }) => ({ entries: [logitsEntry({ model, plan, buckets })] }),
    makeMeter: makeEmptyMeter,
    answerSamples: async () => [],
    answer: async (context, request) => fillMasks({ model, tokenizer }, context, request),
  };
}
