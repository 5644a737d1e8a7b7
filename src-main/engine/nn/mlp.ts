/**
 * @file The feed-forward blocks: gated (Llama), gated with gate and up in one linear (Phi 3), and plain (GPT-2).
 */
import type { Activation } from '../ops/activation.ts';
import { activation } from '../ops/activation.ts';
import * as basics from '../ops/basics.ts';
import { gatedActivation } from '../ops/gated-activation.ts';
import type { Tensor } from '../ops/tensor.ts';
import { applyLinear, applyLinears, type Linear, linearWeights, makeLinear } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface Mlp {
  readonly linears: readonly Linear[];
  readonly weights: readonly WeightSpec[];
  /** @param x [tokens, hidden], compute dtype @returns [tokens, hidden] */
  apply(ctx: StepContext, x: Tensor): Tensor;
}

export interface MlpOptions {
  /** `model.layers.0.mlp` */
  readonly path: string;
  readonly hidden: number;
  readonly width: number;
  readonly bias: boolean;
  readonly act: Activation;
}

/** down(act(gate(x)) * up(x)). @param names of the three linears */
export function makeGatedMlp(
  { path, hidden, width, bias, act }: MlpOptions,
  names: readonly [gate: string, up: string, down: string] = ['gate_proj', 'up_proj', 'down_proj'],
): Mlp {
  const gate = makeLinear(`${path}.${names[0]}`, hidden, width, bias);
  const up = makeLinear(`${path}.${names[1]}`, hidden, width, bias);
  const down = makeLinear(`${path}.${names[2]}`, width, hidden, bias);
  return {
    linears: [gate, up, down],
    weights: [...linearWeights([gate, up]), ...linearWeights([down])],
    apply(ctx, x) {
      const [g, u] = applyLinears(ctx, x, [gate, up]) as [Tensor, Tensor];
      return applyLinear(ctx, gatedActivation(g, u, act, { fewValues: ctx.decoding }), down);
    },
  };
}

/** The same with one linear for gate and up, the gate's outputs first. */
export function makeFusedGatedMlp({ path, hidden, width, bias, act }: MlpOptions): Mlp {
  const gateUp = makeLinear(`${path}.gate_up_proj`, hidden, 2 * width, bias);
  const down = makeLinear(`${path}.down_proj`, width, hidden, bias);
  return {
    linears: [gateUp, down],
    weights: [...linearWeights([gateUp]), ...linearWeights([down])],
    apply(ctx, x) {
      const [g, u] = basics.split(applyLinear(ctx, x, gateUp), [width, width], 1) as [Tensor, Tensor];
      return applyLinear(ctx, gatedActivation(g, u, act, { fewValues: ctx.decoding }), down);
    },
  };
}

/** down(act(up(x))). @param names of the two linears. @param transposed as in `makeLinear`. */
export function makePlainMlp(
  { path, hidden, width, bias, act }: MlpOptions,
  names: readonly [up: string, down: string],
  transposed = false,
): Mlp {
  const up = makeLinear(`${path}.${names[0]}`, hidden, width, bias, transposed);
  const down = makeLinear(`${path}.${names[1]}`, width, hidden, bias, transposed);
  return {
    linears: [up, down],
    weights: [...linearWeights([up]), ...linearWeights([down])],
    apply: (ctx, x) => applyLinear(ctx, activation(applyLinear(ctx, x, up), act), down),
  };
}
