/**
 * @file Layer norm over the last axis. Source: Ba, Kiros & Hinton 2016; PyTorch's LayerNorm for the place of eps.
 */
import type { FloatDType } from '../device/dtype.ts';
import { unbroadcast } from './basics.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

export interface LayerNormOptions {
  readonly eps: number;
  /** dtype of the result; the statistics are always f32. */
  readonly dtype: FloatDType;
}

/**
 * (x - mean(x)) / sqrt(var(x) + eps) * weight + bias.
 * @param x [..., hidden], any float dtype.
 * @param weight [hidden], f32.
 * @param bias [hidden], f32; null = none.
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor | null, { eps, dtype }: LayerNormOptions): Tensor {
  let mean: Tensor;
  let inverse: Tensor;
  const normalize = (): Tensor => raw.multiply(raw.subtract(raw.cast(x, 'float32'), mean), inverse);
  const [out] = differentiable(
    x.runner,
    bias ? [x, weight, bias] : [x, weight],
    (save) => {
      const wide = raw.cast(x, 'float32');
      mean = raw.mean(wide, [-1], true);
      const centred = raw.subtract(wide, mean);
      inverse = raw.rsqrt(raw.add(raw.mean(raw.square(centred), [-1], true), eps));
      save(x, mean, inverse);
      const scaled = raw.multiply(raw.multiply(centred, inverse), weight);
      return [raw.cast(bias ? raw.add(scaled, bias) : scaled, dtype)];
    },
    ([dy]) => {
      const gradient = raw.cast(dy!, 'float32');
      const normed = normalize();
      const scaled = raw.multiply(gradient, weight);
      const along = raw.mean(raw.multiply(scaled, normed), [-1], true);
      const level = raw.mean(scaled, [-1], true);
      const dx = raw.multiply(raw.subtract(raw.subtract(scaled, level), raw.multiply(normed, along)), inverse);
      const dw = needsGradient(weight) ? unbroadcast(raw.multiply(gradient, normed), weight.shape) : null;
      const db = bias && needsGradient(bias) ? unbroadcast(gradient, bias.shape) : null;
      return bias ? [raw.cast(dx, x.dtype), dw, db] : [raw.cast(dx, x.dtype), dw];
    },
  );
  return out!;
}
