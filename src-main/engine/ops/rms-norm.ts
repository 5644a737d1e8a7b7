/**
 * @file Root-mean-square norm over the last axis. Source: Zhang & Sennrich 2019; Hugging Face's LlamaRMSNorm for the order of casts.
 */
import type { DType, FloatDType } from '../device/dtype.ts';
import { unbroadcast } from './basics.ts';
import { fused } from './fused.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

/** A norm's result, and what it was taken of. */
export interface Normed {
  readonly out: Tensor;
  readonly x: Tensor;
}

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
 * @returns also x itself: who goes on with it has both gradients of x added up in one go
 */
export function rmsNorm(x: Tensor, weight: Tensor, { eps, dtype, addOne = false }: RmsNormOptions): Normed {
  const factor = (w: Tensor): Tensor => (addOne ? raw.add(w, 1) : w);
  let inverse: Tensor;
  const [out, stream] = differentiable(
    x.runner,
    [x, weight],
    (save) => {
      const [result, r] = fused([x, weight], [dtype, 'float32'], (value, w) => {
        const wide = raw.cast(value, 'float32');
        const scale = raw.rsqrt(raw.add(raw.mean(raw.square(wide), [-1], true), eps));
        return [raw.multiply(raw.multiply(wide, scale), factor(w)), scale];
      });
      inverse = r!;
      save(x, inverse);
      return [result!, x];
    },
    ([dy, along]) => {
      if (!dy) return [along!, null];
      // With r = 1 / rms: dx = r g - r^3 mean(g x) x. x itself is kept, not x r; and a sum joins the other gradients of the stream.
      const [dx] = fused(
        [dy, x, weight, inverse, ...(along ? [along] : [])],
        [dtypeOfGradient(x, dy)],
        (gradient, value, w, r, passed) => {
          const wide = raw.cast(value, 'float32');
          const scaled = raw.multiply(raw.cast(gradient, 'float32'), factor(w));
          const mean = raw.mean(raw.multiply(scaled, wide), [-1], true);
          const pull = raw.multiply(raw.multiply(mean, raw.square(r)), raw.negate(r)); // [..., 1]
          const dx = raw.add(raw.multiply(scaled, r), raw.multiply(wide, pull));
          return [passed ? raw.add(dx, raw.cast(passed, dx.dtype)) : dx];
        },
      );
      const dw = needsGradient(weight) ? unbroadcast(slopeOfWeight(dy, x, inverse), weight.shape) : null;
      return [dx!, dw];
    },
  );
  return { out: out!, x: stream! };
}

/**
 * Of what a norm was taken of. A stream is f32, but in kernels its gradient goes on in the dtype of the branches, as in PyTorch all of it does: it is
 * read and written between all blocks.
 */
export const dtypeOfGradient = (x: Tensor, dy: Tensor): DType =>
  x.runner.fuses && x.takesNarrowGradient ? dy.dtype : x.dtype;

const slopeOfWeight = (dy: Tensor, x: Tensor, inverse: Tensor): Tensor =>
  raw.multiply(raw.cast(dy, 'float32'), raw.multiply(raw.cast(x, 'float32'), inverse));
