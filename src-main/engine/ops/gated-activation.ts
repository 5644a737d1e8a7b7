/**
 * @file act(gate) * up, the middle of a gated MLP. Source: Shazeer 2020 (GLU variants).
 */
import { type Activation, activationWithSlope } from './activation.ts';
import { fused } from './fused.ts';
import { fusedPair } from './fused-pair.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/** @param gate [tokens, width] @param up [tokens, width] @returns [tokens, width] */
export function gatedActivation(gate: Tensor, up: Tensor, kind: Activation): Tensor {
  const [out] = differentiable(
    gate.runner,
    [gate, up],
    (save) => {
      save(gate, up);
      return fused([gate, up], [gate.dtype], (g, u) => [raw.multiply(activationWithSlope(g, kind).value, u)]);
    },
    ([dy]) =>
      fusedPair([dy!, gate, up], (d, g, u) => {
        const { value, slope } = activationWithSlope(g, kind);
        return [raw.multiply(raw.multiply(d, u), slope()), raw.multiply(d, value)];
      }),
  );
  return out!;
}
