/**
 * @file Root-mean-square norm over the last axis. Source: Zhang & Sennrich 2019; Hugging Face's LlamaRMSNorm for the order of casts.
 */
import type { FloatDType } from '../device/dtype.ts';
import { unbroadcast } from './basics.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

export interface RmsNormOptions {
  readonly eps: number;
  /** dtype of the result; the statistics are always f32. */
  readonly dtype: FloatDType;
  /** Gemma multiplies by 1 + weight. */
  readonly addOne?: boolean;
}

/**
 * x / sqrt(mean(x^2) + eps) * weight.
 * @param x [..., hidden], any float dtype.
 * @param weight [hidden], f32.
 */
export function rmsNorm(x: Tensor, weight: Tensor, { eps, dtype, addOne = false }: RmsNormOptions): Tensor {
  const factor = (): Tensor => (addOne ? raw.add(weight, 1) : weight);
  let inverse: Tensor;
  const [out] = differentiable(
    x.runner,
    [x, weight],
    (save) => {
      const wide = raw.cast(x, 'float32');
      inverse = raw.rsqrt(raw.add(raw.mean(raw.square(wide), [-1], true), eps));
      save(x, inverse);
      return [raw.cast(raw.multiply(raw.multiply(wide, inverse), factor()), dtype)];
    },
    ([dy]) => {
      // With r = 1 / rms: dx = r g - r^3 mean(g x) x. x itself is kept, not x r; and a sum joins the other gradients of the stream.
      const gradient = raw.cast(dy!, 'float32');
      const wide = raw.cast(x, 'float32');
      const scaled = raw.multiply(gradient, factor());
      const along = raw.mean(raw.multiply(scaled, wide), [-1], true);
      const pull = raw.multiply(raw.multiply(along, raw.square(inverse)), raw.negate(inverse)); // [..., 1]
      const dx = raw.add(raw.multiply(scaled, inverse), raw.multiply(wide, pull));
      const dw = needsGradient(weight)
        ? unbroadcast(raw.multiply(gradient, raw.multiply(wide, inverse)), weight.shape)
        : null;
      return [raw.cast(dx, x.dtype), dw];
    },
  );
  return out!;
}
