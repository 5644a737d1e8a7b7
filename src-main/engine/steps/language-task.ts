/**
 * @file Steps of language models: cross-entropy at every position with a label.
 */
import { chunkedCrossEntropy, evaluateCrossEntropy } from '../loss/cross-entropy.ts';
import type { LanguageModel, MaskedModel } from '../models/model.ts';
import { takeRows } from '../ops/embedding.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { LABEL_SPECS, labelArrays } from './loss-inputs.ts';
import { probeTokens, type StepResult, type StepTask } from './step-task.ts';
import { type TableCache, tokenArrays, tokenBatch, tokenSpecs } from './token-inputs.ts';

export interface LanguageTaskOptions {
  readonly model: LanguageModel | MaskedModel;
  readonly tables: TableCache;
  /** Pieces that the loss is cut into (loss-inputs.ts). */
  readonly chunks: number;
  /** Few different numbers of labels are to occur: each costs a kernel of its own where steps fuse. */
  readonly coarse?: boolean;
}

export function languageTask({ model, tables, chunks, coarse = false }: LanguageTaskOptions): StepTask {
  return {
    inputs: { ...tokenSpecs(model), ...LABEL_SPECS },
    forward(ctx, inputs): StepResult {
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const labelled = {
        hidden: takeRows(states, inputs['label_positions']!),
        labels: inputs['label_ids']!,
        weights: inputs['label_weights']!,
        head: (hidden: Tensor) => model.head(ctx, hidden),
        chunks,
      };
      if (ctx.training) {
        const loss = chunkedCrossEntropy({ ...labelled, headLeaves: model.headLeaves(ctx) });
        return { loss, outputs: {} };
      }
      const { loss, hits } = evaluateCrossEntropy(labelled);
      return { loss, outputs: { hits, labels: raw.sumAll(labelled.weights) } };
    },
    countLabels: ({ labelIds }) => labelIds.length,
    arrays(batch, scale, common) {
      const tokens = tokenArrays(tables, batch, common?.longest);
      const labels = labelArrays(batch, scale, { chunks, coarse, atLeast: common?.labels });
      return { arrays: { ...tokens.arrays, ...labels.arrays }, sizes: { ...tokens.sizes, ...labels.sizes } };
    },
    probe: probeTokens(model),
  };
}
