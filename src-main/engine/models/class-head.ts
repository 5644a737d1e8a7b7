/**
 * @file Classification heads of encoders: a linear with an activation over the first token's state, and one that gives a score a class.
 */
import { applyLinear, type Linear, makeLinear } from '../nn/linear.ts';
import type { StepContext } from '../nn/step-context.ts';
import { activation, type Activation } from '../ops/activation.ts';
import type { Tensor } from '../ops/tensor.ts';

export interface ClassHeadParts {
  /** `bert.pooler.dense` */
  readonly dense: string;
  readonly act: Activation;
  /** `classifier` */
  readonly output: string;
  /** Beginnings of the paths that PEFT trains whole, and leaves out of all-linear. */
  readonly modules: readonly string[];
}

export interface ClassHead {
  readonly dense: Linear;
  readonly act: Activation;
  readonly output: Linear;
}

export function makeClassHead({ dense, act, output }: ClassHeadParts, hidden: number, labels: number): ClassHead {
  return { dense: makeLinear(dense, hidden, hidden, true), act, output: makeLinear(output, hidden, labels, true) };
}

export const classHeadLinears = ({ dense, output }: ClassHead): Linear[] => [dense, output];

/** @param states [rows, hidden], compute dtype @returns [rows, labels], compute dtype */
export function applyClassHead(ctx: StepContext, states: Tensor, { dense, act, output }: ClassHead): Tensor {
  return applyLinear(ctx, activation(applyLinear(ctx, states, dense), act), output);
}
