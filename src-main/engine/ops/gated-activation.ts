/**
 * @file act(gate) * up, the middle of a gated MLP. Source: Shazeer 2020 (GLU variants).
 */
import { type Activation, activationWithSlope } from './activation.ts';
import { fused } from './fused.ts';
import { fusedPair } from './fused-pair.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/**
 * @param gate [tokens, width]
 * @param up [tokens, width]
 * @param options `fewValues`: what counts is how many ops there are and how long each takes to begin
 * @returns [tokens, width]
 */
export function gatedActivation(gate: Tensor, up: Tensor, kind: Activation, { fewValues = false } = {}): Tensor {
  const [out] = differentiable(
    gate.runner,
    [gate, up],
    (save) => {
      save(gate, up);
      if (fewValues && kind === 'silu' && gate.dtype === 'bfloat16') return [siluOfFew(gate, up)];
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

/**
 * In another order, because TensorFlow makes oneDNN's swish of x sigmoid(x): it is quick with many values, and takes 0.1 ms to begin where
 * an op of TensorFlow's own takes a few microseconds. In f32 there is nothing between the two.
 */
const siluOfFew = (gate: Tensor, up: Tensor): Tensor => raw.multiply(raw.multiply(gate, up), raw.sigmoid(gate));
