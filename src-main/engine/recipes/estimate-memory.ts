/**
 * @file How much memory a training step takes, worked out from the model's sizes before anything is loaded.
 */
import type { FloatDType } from '../device/dtype.ts';
import type { ModelFacts } from '../models/model.ts';

export interface StepSize {
  /** Tokens of a batch, padding included. */
  readonly batchTokens: number;
  /** Tokens of a row. */
  readonly rowTokens: number;
  readonly compute: FloatDType;
  readonly checkpointing: boolean;
}

/** Bytes that a step keeps for its backward pass; measured against the 15M to 360M shapes, it errs on the large side. */
export function activationBytes(
  facts: ModelFacts,
  { batchTokens, rowTokens, compute, checkpointing }: StepSize,
): number {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, layers } = facts;
  const width = compute === 'bfloat16' ? 2 : 4;
  const attention = heads * rowTokens * width * 2;
  const linears = (hiddenSize * 4 + (heads + 2 * kvHeads) * headDim * 3 + intermediateSize * 4) * width;
  const block = batchTokens * (linears + attention + hiddenSize * 8);
  const kept = batchTokens * hiddenSize * 4 * layers;
  return checkpointing ? kept + block * 3 : block * layers;
}

/** Bytes of gradients and optimizer state beside `values` trained values: f32 values, gradients, two moments, and their next values. */
export function trainedBytes(values: number): number {
  return values * 4 * 7;
}
