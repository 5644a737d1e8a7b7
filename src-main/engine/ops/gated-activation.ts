/**
 * @file act(gate) * up, the middle of a gated MLP. Source: Shazeer 2020 (GLU variants).
 */
import { type Activation, activationWithSlope } from './activation.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/** @param gate [tokens, width] @param up [tokens, width] @returns [tokens, width] */
export function gatedActivation(gate: Tensor, up: Tensor, kind: Activation): Tensor {
  const [out] = differentiable(
    gate.runner,
    [gate, up],
    (save) => {
      save(gate, up);
      return [raw.multiply(activationWithSlope(gate, kind).value, up)];
    },
    ([dy]) => {
      const { value, slope } = activationWithSlope(gate, kind);
      return [raw.multiply(raw.multiply(dy!, up), slope()), raw.multiply(dy!, value)];
    },
  );
  return out!;
}
