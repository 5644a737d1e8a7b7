/**
 * @file What the steps are for one kind of task: the inputs of a batch, and the loss over its labels.
 *
 * train-step.ts and evaluate-step.ts are written over this alone. A kind of task is one file beside this one (language-task.ts) and one
 * in recipes/tasks; neither the optimizer nor the loop knows which it is.
 */
import type { Sizes } from '../compile/program.ts';
import type { AnyModel } from '../models/model.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { LabelArrays } from './loss-inputs.ts';
import type { Arrays, Specs, TokenArrays } from './token-inputs.ts';

/** A batch on the host (data/batches.ts makes it). */
export interface StepBatch extends TokenArrays, LabelArrays {
  /** Classifiers: class ids [batch], or 0/1 per class or numbers, [batch * width]. */
  readonly targets: Int32Array | Float32Array | null;
  /** Encoder-decoders: what the decoder reads. */
  readonly decoder: Omit<TokenArrays, 'batch'> | null;
}

/** Sizes of the largest of several batches of the same rows and length. */
export interface CommonSizes {
  readonly labels: number;
  /** Tokens of the longest sequence. */
  readonly longest: number;
}

export type StepInputs = Readonly<Record<string, Tensor>>;

export interface StepResult {
  /** Summed over the labels of the batch, f32 scalar. */
  readonly loss: Tensor;
  /** What an evaluation reads back beside the loss. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

export interface StepTask {
  /** Inputs of a batch, the scalar `loss_scale` among them. */
  readonly inputs: Specs;
  forward(ctx: StepContext, inputs: StepInputs): StepResult;
  /** What the loss of a batch is summed over. */
  countLabels(batch: StepBatch): number;
  /**
   * @param scale factor on the summed loss: 1 / (labels of all batches of one optimizer step)
   * @param common makes the sizes those of several batches
   */
  arrays(batch: StepBatch, scale: number, common?: CommonSizes): { readonly arrays: Arrays; readonly sizes: Sizes };
  /** A batch of a few tokens, to try a step with. */
  readonly probe: StepBatch;
}

const PROBE_TOKENS = 8;

/** Eight tokens, each but the first with a label; for an encoder-decoder the same eight for both. */
export function probeTokens({ kind }: AnyModel): StepBatch {
  const index = Int32Array.from({ length: PROBE_TOKENS }, (_, at) => at);
  const segmentIds = new Int32Array(PROBE_TOKENS).fill(1);
  const row = { seq: PROBE_TOKENS, inputIds: index, positionIds: index, segmentIds };
  return {
    batch: 1,
    ...row,
    labelPositions: index.slice(0, -1),
    labelIds: index.slice(1),
    targets: null,
    decoder: kind === 'encoder-decoder' ? row : null,
  };
}
