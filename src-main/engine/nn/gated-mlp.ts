/**
 * @file The gated feed-forward block of Llama-like models: down(act(gate(x)) * up(x)).
 */
import type { Activation } from '../ops/activation.ts';
import { gatedActivation } from '../ops/gated-activation.ts';
import type { Tensor } from '../ops/tensor.ts';
import { applyLinear, applyLinears, type Linear, linearWeights, makeLinear } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface GatedMlp {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
  readonly act: Activation;
}

export function makeGatedMlp(path: string, hidden: number, width: number, bias: boolean, act: Activation): GatedMlp {
  return {
    gate: makeLinear(`${path}.gate_proj`, hidden, width, bias),
    up: makeLinear(`${path}.up_proj`, hidden, width, bias),
    down: makeLinear(`${path}.down_proj`, width, hidden, bias),
    act,
  };
}

export function gatedMlpLinears({ gate, up, down }: GatedMlp): Linear[] {
  return [gate, up, down];
}

export function gatedMlpWeights({ gate, up, down }: GatedMlp): WeightSpec[] {
  return [...linearWeights([gate, up]), ...linearWeights([down])];
}

/** @param x [tokens, hidden], compute dtype @returns [tokens, hidden] */
export function applyGatedMlp(ctx: StepContext, x: Tensor, { gate, up, down, act }: GatedMlp): Tensor {
  const [g, u] = applyLinears(ctx, x, [gate, up]) as [Tensor, Tensor];
  return applyLinear(ctx, gatedActivation(g, u, act), down);
}
