/**
 * @file Masked language models (encoders as they were pre-trained) in the recipes: they are evaluated, and trained as classifiers only.
 */
import type { MaskedModel } from '../../models/model.ts';
import { languageTask } from '../../steps/language-task.ts';
import { logitsEntry } from '../../steps/evaluate-step.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { fillMasks } from '../fill-masks.ts';
import { makeEmptyMeter, type Meter, type Task } from '../task.ts';

export interface MaskedModelOptions {
  readonly model: MaskedModel;
  readonly tokenizer: Tokenizer;
}

export function maskedModelTask({ model, tokenizer }: MaskedModelOptions): Task {
  return {
    type: 'MASKED_LM',
    batching: { padTokenId: tokenizer.padTokenId ?? 0, predicts: 'masked' },
    figures: { pseudo_perplexity: 'lower', masked_accuracy: 'higher' },
    makeStep: (tables, chunks) => languageTask({ model, tables, chunks }),
    answering: ({ plan, buckets }) => ({ entries: [logitsEntry({ model, plan, buckets })] }),
    makeMeter: makeMaskMeter,
    answerSamples: async () => [],
    sizeOfSamples: () => ({ rows: 0, promptTokens: 0, newTokens: 0 }),
    answer: async (context, request) => fillMasks({ model, tokenizer }, context, request),
  };
}

/**
 * Pseudo-perplexity: exp of the mean loss on hidden tokens. Each is foretold from both sides, so it says nothing beside the perplexity of a
 * model that writes. Accuracy: the share of hidden tokens that the model holds for the likeliest.
 */
function makeMaskMeter(): Meter {
  let [loss, hits, labels] = [0, 0, 0];
  return {
    ...makeEmptyMeter(),
    take(_rows, outputs) {
      loss += outputs['loss']![0]!;
      hits += outputs['hits']![0]!;
      labels += outputs['labels']![0]!;
    },
    figures: () => ({
      pseudo_perplexity: Math.exp(loss / Math.max(1, labels)),
      masked_accuracy: hits / Math.max(1, labels),
    }),
  };
}
