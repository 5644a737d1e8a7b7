/**
 * @file Evaluation: the summed loss over labelled positions, and logits at chosen positions.
 */
import type { Entry } from '../compile/program.ts';
import { symbol } from '../device/dim.ts';
import type { Runner } from '../device/runner.ts';
import { chunkedCrossEntropy } from '../loss/cross-entropy.ts';
import type { CausalModel } from '../models/model.ts';
import type { StepContext } from '../nn/step-context.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { WeightPlan } from '../weights/plan.ts';
import { type Bucket, readParameters } from '../weights/trainables.ts';
import { makeContext } from '../weights/weights-context.ts';
import { LABEL_SPECS } from './loss-inputs.ts';
import { tokenBatch, tokenSpecs } from './token-inputs.ts';

export interface ForwardOptions {
  readonly model: CausalModel;
  readonly plan: WeightPlan;
  readonly buckets: readonly Bucket[];
}

/** A context for a step that trains nothing. */
export function forwardContext(runner: Runner, { plan, buckets }: ForwardOptions): StepContext {
  const parameters = readParameters(runner, buckets, plan.compute, false);
  return makeContext({ runner, plan, parameters, training: false, checkpointing: false, seed: null });
}

/** Entry `evaluate`. Output: `loss`, summed and scaled. */
export function evaluateEntry(options: ForwardOptions & { readonly chunks: number }): Entry {
  const { model, chunks } = options;
  return {
    name: 'evaluate',
    inputs: { ...tokenSpecs(model), ...LABEL_SPECS },
    run(runner, inputs) {
      const ctx = forwardContext(runner, options);
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const sum = chunkedCrossEntropy({
        hidden: raw.gatherRows(states, inputs['label_positions']!),
        labels: inputs['label_ids']!,
        weights: inputs['label_weights']!,
        head: (hidden) => model.head(ctx, hidden),
        headLeaves: [],
        chunks,
      });
      return { loss: raw.multiply(sum, inputs['loss_scale']!) };
    },
  };
}

/** Entry `logits`: at flat positions `rows` of [batch * seq]. Output: `logits` [rows, vocab], f32. */
export function logitsEntry(options: ForwardOptions): Entry {
  const { model } = options;
  return {
    name: 'logits',
    inputs: { ...tokenSpecs(model), rows: { dtype: 'int32', shape: [symbol('rows')] } },
    run(runner, inputs) {
      const ctx = forwardContext(runner, options);
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const logits: Tensor = model.head(ctx, raw.gatherRows(states, inputs['rows']!));
      return { logits: raw.cast(logits, 'float32') };
    },
  };
}
