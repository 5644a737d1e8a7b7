/**
 * @file Steps of language models: cross-entropy at every position with a label.
 */
import { chunkedCrossEntropy } from '../loss/cross-entropy.ts';
import type { LanguageModel, MaskedModel } from '../models/model.ts';
import { takeRows } from '../ops/embedding.ts';
import { LABEL_SPECS, labelArrays } from './loss-inputs.ts';
import { probeTokens, type StepTask } from './step-task.ts';
import { type TableCache, tokenArrays, tokenBatch, tokenSpecs } from './token-inputs.ts';

export interface LanguageTaskOptions {
  readonly model: LanguageModel | MaskedModel;
  readonly tables: TableCache;
  /** Pieces that the loss is cut into (loss-inputs.ts). */
  readonly chunks: number;
}

export function languageTask({ model, tables, chunks }: LanguageTaskOptions): StepTask {
  return {
    inputs: { ...tokenSpecs(model), ...LABEL_SPECS },
    forward(ctx, inputs) {
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const loss = chunkedCrossEntropy({
        hidden: takeRows(states, inputs['label_positions']!),
        labels: inputs['label_ids']!,
        weights: inputs['label_weights']!,
        head: (hidden) => model.head(ctx, hidden),
        headLeaves: ctx.training ? model.headLeaves(ctx) : [],
        chunks,
      });
      return { loss, outputs: {} };
    },
    countLabels: ({ labelIds }) => labelIds.length,
    arrays(batch, scale) {
      const tokens = tokenArrays(tables, batch);
      const labels = labelArrays(batch, scale, chunks);
      return { arrays: { ...tokens.arrays, ...labels.arrays }, sizes: { ...tokens.sizes, ...labels.sizes } };
    },
    probe: probeTokens(model),
  };
}
