/**
 * @file Activation functions under Hugging Face's names (`hidden_act`), with their derivatives.
 */
import { fused } from './fused.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

export const ACTIVATIONS = ['silu', 'gelu', 'gelu_new', 'relu', 'tanh'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

const ALIASES: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu_new',
  gelu_fast: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  relu: 'relu',
  tanh: 'tanh',
};

/** The activation behind a configuration's name, or null where we have none. */
export function findActivation(name: string): Activation | null {
  return ALIASES[name] ?? null;
}

/** act(x), differentiable. */
export function activation(x: Tensor, kind: Activation): Tensor {
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      save(x);
      return fused([x], [x.dtype], (value) => [activationWithSlope(value, kind).value]);
    },
    ([dy]) =>
      fused([dy!, x], [x.dtype], (gradient, value) => [
        raw.multiply(gradient, activationWithSlope(value, kind).slope()),
      ]),
  );
  return out!;
}

/** act(x) and, on request, act'(x); no gradients. */
export function activationWithSlope(x: Tensor, kind: Activation): { value: Tensor; slope: () => Tensor } {
  switch (kind) {
    case 'silu':
      return silu(x);
    case 'gelu':
      return gelu(x);
    case 'gelu_new':
      return geluTanh(x);
    case 'relu':
      return { value: raw.relu(x), slope: () => raw.cast(raw.compare('Greater', x, 0), x.dtype) };
    case 'tanh': {
      const value = raw.tanh(x);
      return { value, slope: () => raw.subtract(raw.scalar(x.runner, 1, x.dtype), raw.square(value)) };
    }
  }
}

function silu(x: Tensor): { value: Tensor; slope: () => Tensor } {
  const gate = raw.sigmoid(x);
  const value = raw.multiply(x, gate);
  // gate * (1 + x (1 - gate)) = gate + value - value * gate
  return { value, slope: () => raw.add(gate, raw.subtract(value, raw.multiply(value, gate))) };
}

/** Exact GELU: x Phi(x). */
function gelu(x: Tensor): { value: Tensor; slope: () => Tensor } {
  const phi = raw.multiply(raw.add(raw.erf(raw.multiply(x, Math.SQRT1_2)), 1), 0.5);
  const density = (): Tensor => raw.multiply(raw.exp(raw.multiply(raw.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return { value: raw.multiply(x, phi), slope: () => raw.add(phi, raw.multiply(x, density())) };
}

/** The tanh approximation of GELU. */
function geluTanh(x: Tensor): { value: Tensor; slope: () => Tensor } {
  const root = Math.sqrt(2 / Math.PI);
  const cube = raw.multiply(raw.square(x), x);
  const t = raw.tanh(raw.multiply(raw.add(x, raw.multiply(cube, 0.044715)), root));
  const half = raw.multiply(raw.add(t, 1), 0.5);
  const slope = (): Tensor => {
    const inner = raw.multiply(raw.add(raw.multiply(raw.square(x), 3 * 0.044715), 1), root);
    const rise = raw.subtract(raw.scalar(x.runner, 1, x.dtype), raw.square(t));
    return raw.add(half, raw.multiply(raw.multiply(raw.multiply(x, 0.5), rise), inner));
  };
  return { value: raw.multiply(x, half), slope };
}
