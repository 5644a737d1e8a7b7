/**
 * @file Rotary position embedding, "rotate half" layout. Source: Su et al. 2021; Hugging Face's apply_rotary_pos_emb.
 *
 * With x as two halves (p, q) the result is (p cos - q sin, q cos + p sin): x * cos + swapHalves(x) * (-sin, sin).
 */
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/**
 * @param x [batch, seq, heads, headDim]
 * @param cos [batch, seq, 1, headDim], x's dtype; both halves hold the same angles.
 * @param signedSin like cos, the first half negated.
 */
export function rotary(x: Tensor, cos: Tensor, signedSin: Tensor): Tensor {
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      save(cos, signedSin);
      return [raw.add(raw.multiply(x, cos), raw.multiply(swapHalves(x), signedSin))];
    },
    ([dy]) => [raw.subtract(raw.multiply(dy!, cos), raw.multiply(swapHalves(dy!), signedSin))],
  );
  return out!;
}

function swapHalves(x: Tensor): Tensor {
  const half = (x.shape.at(-1) as number) / 2;
  const [first, second] = raw.split(x, [half, half], x.shape.length - 1);
  return raw.concat([second!, first!], x.shape.length - 1);
}
