/**
 * @file Steps of classifiers: one token's state of each row, scores for the classes, one of three losses.
 */
import type { ProblemType } from '../../../src-shared/schema/run-config.ts';
import type { InputSpec } from '../compile/program.ts';
import { oneClassLoss, severalClassesLoss, squaredErrorLoss } from '../loss/classification.ts';
import type { ClassifierModel } from '../models/model.ts';
import * as basics from '../ops/basics.ts';
import { takeRows } from '../ops/embedding.ts';
import type { Tensor } from '../ops/tensor.ts';
import { probeTokens, type StepTask } from './step-task.ts';
import { BATCH, type TableCache, type TokenArrays, tokenArrays, tokenBatch, tokenSpecs } from './token-inputs.ts';

export interface ClassifierTaskOptions {
  readonly model: ClassifierModel;
  readonly tables: TableCache;
  readonly problemType: ProblemType;
  /** config.json's: the last token of a row that is another one is read; null = the row's last token. */
  readonly padTokenId: number | null;
}

const LOSSES: Readonly<Record<ProblemType, (logits: Tensor, targets: Tensor) => Tensor>> = {
  single_label_classification: oneClassLoss,
  multi_label_classification: severalClassesLoss,
  regression: squaredErrorLoss,
};

export function classifierSteps({ model, tables, problemType, padTokenId }: ClassifierTaskOptions): StepTask {
  const isSingle = problemType === 'single_label_classification';
  const targets: InputSpec = isSingle
    ? { dtype: 'int32', shape: [BATCH] }
    : { dtype: 'float32', shape: [BATCH, model.labels] };
  return {
    inputs: {
      ...tokenSpecs(model),
      rows: { dtype: 'int32', shape: [BATCH] },
      targets,
      loss_scale: { dtype: 'float32', shape: [] },
    },
    forward(ctx, inputs) {
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const scores = model.classify(ctx, takeRows(states, inputs['rows']!));
      const logits = basics.cast(scores, 'float32');
      return { loss: LOSSES[problemType](logits, inputs['targets']!), outputs: { logits } };
    },
    countLabels: ({ batch }) => batch,
    arrays(batch, scale) {
      if (batch.targets === null) throw new Error('internal: a classifier needs targets');
      const tokens = tokenArrays(tables, batch);
      const arrays = {
        ...tokens.arrays,
        rows: readRows(model, batch, padTokenId),
        targets: batch.targets,
        loss_scale: Float32Array.of(scale),
      };
      return { arrays, sizes: tokens.sizes };
    },
    probe: { ...probeTokens(model), targets: isSingle ? Int32Array.of(0) : new Float32Array(model.labels) },
  };
}

/** Flat positions of the tokens whose states are classified, one a row. */
export function readRows(
  { reads }: ClassifierModel,
  { batch, seq, inputIds, segmentIds }: TokenArrays,
  padTokenId: number | null,
): Int32Array {
  const isToken = (at: number): boolean => (padTokenId === null ? segmentIds[at] !== 0 : inputIds[at] !== padTokenId);
  return Int32Array.from({ length: batch }, (_, row) => {
    if (reads === 'first') return row * seq;
    let at = (row + 1) * seq - 1;
    while (at > row * seq && !isToken(at)) at -= 1;
    return at;
  });
}
