/**
 * @file Layer norm over the last axis. Source: Ba, Kiros & Hinton 2016; PyTorch's LayerNorm for the place of eps.
 */
import type { FloatDType } from '../device/dtype.ts';
import { unbroadcast } from './basics.ts';
import { fused } from './fused.ts';
import * as raw from './primitives.ts';
import { dtypeOfGradient, type Normed } from './rms-norm.ts';
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
 * @returns also x itself, as `rmsNorm` does
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor | null, { eps, dtype }: LayerNormOptions): Normed {
  let mean: Tensor;
  let inverse: Tensor;
  const [out, stream] = differentiable(
    x.runner,
    bias ? [x, weight, bias] : [x, weight],
    (save) => {
      const inputs = bias ? [x, weight, bias] : [x, weight];
      const [result, ...figures] = fused(inputs, [dtype, 'float32', 'float32'], (value, w, b) => {
        const wide = raw.cast(value, 'float32');
        const level = raw.mean(wide, [-1], true);
        const centred = raw.subtract(wide, level);
        const scale = raw.rsqrt(raw.add(raw.mean(raw.square(centred), [-1], true), eps));
        const scaled = raw.multiply(raw.multiply(centred, scale), w);
        return [b ? raw.add(scaled, b) : scaled, level, scale];
      });
      [mean, inverse] = figures as [Tensor, Tensor];
      save(x, mean, inverse);
      return [result!, x];
    },
    ([dy, along]) => {
      if (!dy) return bias ? [along!, null, null] : [along!, null];
      const [dx] = fused(
        [dy, x, weight, mean, inverse, ...(along ? [along] : [])],
        [dtypeOfGradient(x, dy)],
        (gradient, value, w, m, r, passed) => {
          const normed = normalize(value, m, r);
          const scaled = raw.multiply(raw.cast(gradient, 'float32'), w);
          const turn = raw.mean(raw.multiply(scaled, normed), [-1], true);
          const level = raw.mean(scaled, [-1], true);
          const dx = raw.multiply(raw.subtract(raw.subtract(scaled, level), raw.multiply(normed, turn)), r);
          return [passed ? raw.add(dx, raw.cast(passed, dx.dtype)) : dx];
        },
      );
      const gradient = (): Tensor => raw.cast(dy, 'float32');
      const dw = needsGradient(weight)
        ? unbroadcast(raw.multiply(gradient(), normalize(x, mean, inverse)), weight.shape)
        : null;
      const db = bias && needsGradient(bias) ? unbroadcast(gradient(), bias.shape) : null;
      return bias ? [dx!, dw, db] : [dx!, dw];
    },
  );
  return { out: out!, x: stream! };
}

const normalize = (x: Tensor, mean: Tensor, inverse: Tensor): Tensor =>
  raw.multiply(raw.subtract(raw.cast(x, 'float32'), mean), inverse);
