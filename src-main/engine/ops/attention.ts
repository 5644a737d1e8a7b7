/**
 * @file Scaled dot-product attention with grouped key/value heads and an additive mask.
 *
 * Query heads that share a key/value head are laid one under the other (no copies of keys and values). The backward pass uses
 * rowsum(dP * P) = rowsum(dO * O), which needs no pass over [seq, keys]. Source: Vaswani et al. 2017; Dao et al. 2022 for the identity.
 */
import { type Dim, multiplyDims } from '../device/dim.ts';
import { unbroadcast } from './basics.ts';
import { batchMatmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

export interface AttentionOptions {
  /** Factor on the scores, usually headDim ** -0.5. */
  readonly scale: number;
  /** Gemma 2: cap * tanh(scores / cap). */
  readonly softcap?: number | null;
}

/**
 * @param q [batch, queries, heads, headDim]
 * @param k [batch, keys, kvHeads, headDim]
 * @param v like k
 * @param mask added to the scores, [batch or 1, 1 or heads, queries, keys], q's dtype; gets a gradient where a learned bias is in it.
 * @returns [batch * queries, heads * headDim]
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor,
  { scale, softcap = null }: AttentionOptions,
): Tensor {
  const [batch, queries, heads, headDim] = q.shape as [Dim, Dim, number, number];
  const kvHeads = k.shape[2] as number;
  const layout: Layout = { batch, queries, keys: k.shape[1]!, heads, kvHeads, headDim };
  let saved: { q: Tensor; k: Tensor; v: Tensor; p: Tensor; out: Tensor; capped: Tensor | null };
  const [result] = differentiable(
    q.runner,
    [q, k, v, mask],
    (save) => {
      const qs = groupQueries(raw.multiply(q, scale), layout);
      const ks = raw.transpose(k, [0, 2, 1, 3]); // [batch, kvHeads, keys, headDim]
      const vs = raw.transpose(v, [0, 2, 1, 3]);
      const products = perHead(batchMatmul(qs, ks, { transposeB: true }), layout);
      const capped = softcap === null ? null : raw.tanh(raw.multiply(products, 1 / softcap));
      const scores = capped ? raw.multiply(capped, softcap!) : products;
      const p = perGroup(raw.softmax(raw.add(scores, mask)), layout);
      const out = batchMatmul(p, vs); // [batch, kvHeads, group * queries, headDim]
      saved = { q: qs, k: ks, v: vs, p, out, capped };
      save(qs, ks, vs, p, out, ...(capped ? [capped] : []));
      return [ungroupQueries(out, layout)];
    },
    ([dy]) => {
      const dout = groupQueries(raw.reshape(dy!, [batch, queries, heads, headDim]), layout);
      const dv = batchMatmul(saved.p, dout, { transposeA: true });
      const dp = batchMatmul(dout, saved.v, { transposeB: true });
      const delta = raw.sum(raw.multiply(dout, saved.out), [-1], true);
      let ds = raw.multiply(saved.p, raw.subtract(dp, delta));
      const dmask = needsGradient(mask) ? unbroadcast(perHead(ds, layout), mask.shape) : null;
      if (saved.capped) {
        const slope = raw.subtract(raw.scalar(q.runner, 1, q.dtype), raw.square(perGroup(saved.capped, layout)));
        ds = raw.multiply(ds, slope);
      }
      const dq = raw.multiply(ungroupQueries(batchMatmul(ds, saved.k), layout), scale);
      const dk = batchMatmul(ds, saved.q, { transposeA: true });
      return [raw.reshape(dq, q.shape), raw.transpose(dk, [0, 2, 1, 3]), raw.transpose(dv, [0, 2, 1, 3]), dmask];
    },
  );
  return result!;
}

interface Layout {
  readonly batch: Dim;
  readonly queries: Dim;
  readonly keys: Dim;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** [batch, queries, heads, headDim] -> [batch, kvHeads, group * queries, headDim] */
function groupQueries(x: Tensor, { batch, queries, heads, kvHeads, headDim }: Layout): Tensor {
  const rows = multiplyDims(heads / kvHeads, queries);
  return raw.reshape(raw.transpose(x, [0, 2, 1, 3]), [batch, kvHeads, rows, headDim]);
}

/** [batch, kvHeads, group * queries, headDim] -> [batch * queries, heads * headDim] */
function ungroupQueries(x: Tensor, { batch, queries, heads, headDim }: Layout): Tensor {
  const split = raw.reshape(x, [batch, heads, queries, headDim]);
  return raw.reshape(raw.transpose(split, [0, 2, 1, 3]), [multiplyDims(batch, queries), heads * headDim]);
}

/** [batch, kvHeads, group * queries, keys] -> [batch, heads, queries, keys] */
function perHead(x: Tensor, { batch, heads, queries, keys }: Layout): Tensor {
  return raw.reshape(x, [batch, heads, queries, keys]);
}

/** The inverse of `perHead`. */
function perGroup(x: Tensor, { batch, kvHeads, heads, queries, keys }: Layout): Tensor {
  return raw.reshape(x, [batch, kvHeads, multiplyDims(heads / kvHeads, queries), keys]);
}
