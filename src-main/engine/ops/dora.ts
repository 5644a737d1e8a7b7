/**
 * @file DoRA: the updated weight is normed row by row and rescaled by a trainable magnitude.
 *
 * y = m / ||W + scale B A|| * (x W^T + scale x A^T B^T), the norm taken over each output row and treated as a constant in the
 * backward pass. With dropout the base part is left undropped, as PEFT does. Source: Liu et al. 2024 (section 4.3 for the constant
 * norm); PEFT's DoraLinearLayer.
 */
import { type LowRankUpdate, lowRankUpdate, type Parameter } from './linear.ts';
import { matmul } from './matmul.ts';
import * as basics from './basics.ts';
import * as raw from './primitives.ts';
import { detach, differentiable, type Tensor } from './tensor.ts';

export interface DoraOptions {
  /** [tokens, in] */
  readonly x: Tensor;
  /** x W^T, [tokens, out] */
  readonly base: Tensor;
  /** Dropout mask for the update's input. */
  readonly mask: Tensor | null;
  readonly update: LowRankUpdate;
  /** m, [out] */
  readonly magnitude: Parameter;
  /** The frozen W, [out, in]. */
  readonly weight: () => Tensor;
}

/** @returns [tokens, out] without bias. */
export function doraUpdate({ x, base, mask, update, magnitude, weight }: DoraOptions): Tensor {
  const input = mask ? basics.applyMask(x, mask) : x;
  const [sum] = lowRankUpdate(input, [base], [update]);
  return scaleColumns(sum!, magnitude, rowNorms(update, weight));
}

/** ||W + scale B A|| per output row, f32 [out], no gradient. */
function rowNorms({ a, b, scale }: LowRankUpdate, weight: () => Tensor): Tensor {
  const { runner } = a.value;
  return runner.scope(
    () => {
      const delta = raw.multiply(matmul(detach(b.leaf), detach(a.leaf)), scale);
      const full = raw.add(raw.cast(weight(), 'float32'), delta);
      return raw.sqrt(raw.sum(raw.square(full), [1]));
    },
    (norms) => [norms.id],
  );
}

/** y * (m / norms) per column; gradients for y and m. */
function scaleColumns(y: Tensor, magnitude: Parameter, norms: Tensor): Tensor {
  let factor: Tensor;
  const [out] = differentiable(
    y.runner,
    [y, magnitude.leaf],
    (save) => {
      factor = raw.divide(detach(magnitude.leaf), norms);
      save(y, factor, norms);
      return [raw.multiply(y, raw.cast(factor, y.dtype))];
    },
    ([dy]) => {
      const dm = raw.divide(raw.sum(raw.multiply(raw.cast(dy!, 'float32'), raw.cast(y, 'float32')), [0]), norms);
      return [raw.multiply(dy!, raw.cast(factor, y.dtype)), dm];
    },
  );
  return out!;
}
