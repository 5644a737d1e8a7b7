/**
 * @file Rotary position embedding, "rotate half" layout. Source: Su et al. 2021; Hugging Face's apply_rotary_pos_emb.
 *
 * With x as two halves (p, q) the result is (p cos - q sin, q cos + p sin): x * cos + swapHalves(x) * (-sin, sin).
 */
import { fused } from './fused.ts';
import { matmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/**
 * @param x [batch, seq, heads, headDim]
 * @param cos [batch, seq, 1, headDim], x's dtype; both halves hold the same angles.
 * @param signedSin like cos, the first half negated.
 * @returns [batch, heads, seq, headDim], as attention reads it
 */
export function rotary(x: Tensor, cos: Tensor, signedSin: Tensor): Tensor {
  // As an axis of its own the halves are turned around side by side in a kernel.
  const isKernel = x.runner.fuses;
  const cut = (value: Tensor): Tensor => (isKernel ? inHalves(value) : value);
  const join = (value: Tensor): Tensor => (isKernel ? joinHalves(value) : value);
  const swap = (value: Tensor): Tensor => (isKernel ? raw.reverse(value, 3) : swapHalves(value));
  const tables = [cut(cos), cut(signedSin)];
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      save(...tables);
      const [turned] = fused([cut(x), ...tables], [x.dtype], (value, c, s) => [
        headsFirst(raw.add(raw.multiply(value, c), raw.multiply(swap(value), s))),
      ]);
      return [join(turned!)];
    },
    ([dy]) => {
      const [dx] = fused([cut(dy!), ...tables], [x.dtype], (gradient, c, s) => {
        const upright = headsFirst(gradient);
        return [raw.subtract(raw.multiply(upright, c), raw.multiply(swap(upright), s))];
      });
      return [join(dx!)];
    },
  );
  return out!;
}

/** [..., headDim] <-> [..., 2, headDim / 2] */
const inHalves = (x: Tensor): Tensor => raw.reshape(x, [...x.shape.slice(0, -1), 2, (x.shape.at(-1) as number) / 2]);
const joinHalves = (x: Tensor): Tensor => raw.reshape(x, [...x.shape.slice(0, -2), 2 * (x.shape.at(-1) as number)]);

/** Its own inverse. */
const headsFirst = (x: Tensor): Tensor => raw.transpose(x, [0, 2, 1, ...x.shape.slice(3).map((_, axis) => axis + 3)]);

/**
 * The last axis with its halves changed. In bf16 a product with a permutation is faster than cutting and joining, and exact; in f32 a card
 * would round it.
 */
function swapHalves(x: Tensor): Tensor {
  const width = x.shape.at(-1) as number;
  const half = width / 2;
  if (x.dtype === 'bfloat16') {
    const ones = Float32Array.from({ length: width * width }, (_, at) =>
      Number(at % width === (Math.floor(at / width) + half) % width),
    );
    const permutation = raw.cast(raw.constant(x.runner, ones, 'float32', [width, width]), x.dtype);
    return raw.reshape(matmul(raw.reshape(x, [-1, width]), permutation), x.shape);
  }
  const [first, second] = raw.split(x, [half, half], x.shape.length - 1);
  return raw.concat([second!, first!], x.shape.length - 1);
}
