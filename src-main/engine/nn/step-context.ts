/**
 * @file What a layer needs to run inside a step: the runner, the precision, and its weights by Hugging Face name.
 */
import type { Shape } from '../device/dim.ts';
import type { FloatDType } from '../device/dtype.ts';
import type { Runner } from '../device/runner.ts';
import type { Parameter } from '../ops/linear.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { UpdateSpec } from './weight-spec.ts';

export interface StepContext {
  readonly runner: Runner;
  /** dtype that products and the activations between them run in. */
  readonly compute: FloatDType;
  readonly training: boolean;
  /** Recompute each block in the backward pass instead of keeping its inside. */
  readonly checkpointing: boolean;
  /** One token of each row, after a prefill with the same adapters: few values between large products. */
  readonly decoding: boolean;
  /** Pieces that causal attention is computed in (`AttentionOptions.parts`). */
  readonly attentionParts: number;
  /** The trainable tensor of that name, or null where it is frozen or does not exist. */
  parameter(name: string): Parameter | null;
  /** A frozen tensor in f32 (vectors and other small ones). */
  frozen(name: string): Tensor;
  /** A frozen embedding table in its stored dtype. */
  table(name: string): Tensor;
  /** The low-rank update of a table; null = none. */
  tableUpdate(name: string): UpdateSpec | null;
  /** Row of a table that learns nothing when it is looked up; null = none. */
  paddingRow(name: string): number | null;
  /**
   * Frozen matrices [out, in] stacked along the outputs, in the compute dtype. A quantized one is expanded anew at each call; `after`
   * keeps a graph from doing so earlier than the value it names.
   */
  matrix(names: readonly string[], after: Tensor | null): Tensor;
  /** Columns beside the matrix of exactly these names for the updates of its linears; 0 = they are computed by themselves. */
  room(names: readonly string[]): number;
  /**
   * `matrix` with the updates in its room, [out, in + room].
   * @param beside makes [out, room]; asked for once in a step
   */
  foldedMatrix(names: readonly string[], beside: () => Tensor, after: Tensor | null): Tensor;
  /** Trainable leaves whose names start with `prefix`. */
  leavesUnder(prefix: string): Tensor[];
  /**
   * Dropout mask (0 or 1/(1-p)) of a shape, in the compute dtype, or null outside training and for p = 0. The same place gets
   * the same mask within one step.
   */
  dropoutMask(place: string, shape: Shape, p: number): Tensor | null;
}
