/**
 * @file Evaluation: the summed loss over labels, and logits at chosen positions.
 */
import type { Entry } from '../compile/program.ts';
import { symbol } from '../device/dim.ts';
import type { Runner } from '../device/runner.ts';
import type { AnyModel } from '../models/model.ts';
import type { StepContext } from '../nn/step-context.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { WeightPlan } from '../weights/plan.ts';
import { type Bucket, readParameters } from '../weights/trainables.ts';
import { makeContext } from '../weights/weights-context.ts';
import type { StepTask } from './step-task.ts';
import { tokenBatch, tokenSpecs } from './token-inputs.ts';

export interface ForwardOptions {
  readonly model: AnyModel;
  readonly plan: WeightPlan;
  readonly buckets: readonly Bucket[];
}

/** A context for a step that trains nothing. */
export function forwardContext(
  runner: Runner,
  { plan, buckets }: Omit<ForwardOptions, 'model'>,
  { decoding = false } = {},
): StepContext {
  const parameters = readParameters(runner, buckets, plan.compute, false);
  return makeContext({ runner, plan, parameters, training: false, checkpointing: false, seed: null, decoding });
}

/** Entry `evaluate`. Outputs: `loss`, summed and scaled, and what the task reads back. */
export function evaluateEntry(options: Omit<ForwardOptions, 'model'> & { readonly task: StepTask }): Entry {
  const { task } = options;
  return {
    name: 'evaluate',
    inputs: task.inputs,
    run(runner, inputs) {
      const { loss, outputs } = task.forward(forwardContext(runner, options), inputs);
      return { ...outputs, loss: raw.multiply(loss, inputs['loss_scale']!) };
    },
  };
}

/** Entry `logits`: at flat positions `rows` of [batch * seq]. Output: `logits` [rows, vocab], of classifiers [rows, labels]; f32. */
export function logitsEntry(options: ForwardOptions): Entry {
  const { model } = options;
  return {
    name: 'logits',
    inputs: { ...tokenSpecs(model), rows: { dtype: 'int32', shape: [symbol('rows')] } },
    run(runner, inputs) {
      const ctx = forwardContext(runner, options);
      const states = model.forward(ctx, tokenBatch(model, inputs));
      const chosen = raw.gatherRows(states, inputs['rows']!);
      const logits: Tensor = model.kind === 'classifier' ? model.classify(ctx, chosen) : model.head(ctx, chosen);
      return { logits: raw.cast(logits, 'float32') };
    },
  };
}
