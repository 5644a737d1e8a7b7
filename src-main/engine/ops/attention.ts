/**
 * @file Scaled dot-product attention with grouped key/value heads and an additive mask.
 *
 * Query heads that share a key/value head are laid one under the other (no copies of keys and values). The backward pass uses
 * rowsum(dP * P) = rowsum(dO * O), which needs no pass over [seq, keys]. Source: Vaswani et al. 2017; Dao et al. 2022 for the identity.
 */
import { type Dim, divideDim, multiplyDims, sameDim } from '../device/dim.ts';
import { unbroadcast } from './basics.ts';
import { fused } from './fused.ts';
import { batchMatmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, makeTensor, needsGradient, type Tensor } from './tensor.ts';

export interface AttentionOptions {
  /** Factor on the scores, usually headDim ** -0.5. */
  readonly scale: number;
  /** Gemma 2: cap * tanh(scores / cap). */
  readonly softcap?: number | null;
  /**
   * Where no query may look at a later key anyway, and keys are as many as queries: pieces that the queries are cut into, each of which
   * leaves out the keys beyond its end. Must divide the queries; 1 = one piece that looks at all keys.
   */
  readonly parts?: number;
}

/**
 * @param q [batch, heads, queries, headDim]
 * @param k [batch, kvHeads, keys, headDim], as caches keep it: what was read before is never laid out anew
 * @param v like k
 * @param mask added to the scores, [batch or 1, 1 or heads, queries, keys], q's dtype; gets a gradient where a learned bias is in it
 *   (and `parts` is 1).
 * @returns [batch * queries, heads * headDim]
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor,
  { scale, softcap = null, parts = 1 }: AttentionOptions,
): Tensor {
  const [batch, heads, queries, headDim] = q.shape as [Dim, number, Dim, number];
  const layouts = layoutsOf(q, k, parts);
  // The scale rides on keys or queries, in both directions: on those that are fewer, and there are more scores than either.
  const scalesQueries = queries === 1;
  const scaled = (x: Tensor, isIt: boolean): Tensor => (isIt ? raw.multiply(x, scale) : x);
  let saved: readonly Attended[];
  const [result] = differentiable(
    q.runner,
    [q, k, v, mask],
    (save) => {
      const qs = raw.splitEvenly(scaled(q, scalesQueries), parts, 2);
      const ks = scaled(k, !scalesQueries);
      saved = layouts.map((layout, index) => {
        const [own, part] = [perGroup(qs[index]!, layout), maskPart(mask, layout, parts === 1 ? null : index)];
        return attend(own, firstKeys(ks, layout), firstKeys(v, layout), part, layout, softcap);
      });
      save(...saved.flatMap(({ q, k, v, p, out, capped }) => [q, k, v, p, out, ...(capped ? [capped] : [])]));
      return [fromHeads(saved.map(({ out }, index) => perHead(out, layouts[index]!)))];
    },
    ([dy]) => {
      const dout = raw.splitEvenly(byHead(raw.reshape(dy!, [batch, queries, heads, headDim])), parts, 2);
      const grads = saved.map((part, index) => attendBackward(part, dout[index]!, layouts[index]!, softcap));
      const dq = raw.concat(
        grads.map((grad, index) => perHead(grad.dq, layouts[index]!)),
        2,
      );
      const dk = sumFirstKeys(
        grads.map((grad) => grad.dk),
        scalesQueries ? 1 : scale,
      );
      const dv = sumFirstKeys(
        grads.map((grad) => grad.dv),
        1,
      );
      const dmask = needsGradient(mask) ? unbroadcast(perHead(grads[0]!.dscores, layouts[0]!), mask.shape) : null;
      return [scaled(dq, scalesQueries), dk, dv, dmask];
    },
  );
  return result!;
}

/** What the backward pass of one part needs; [batch, kvHeads, ...], queries or keys scaled. */
interface Attended {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly p: Tensor;
  readonly out: Tensor;
  readonly capped: Tensor | null;
}

function attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, layout: Layout, softcap: number | null): Attended {
  const { p, capped } = shares(q, k, mask, layout, softcap);
  return { q, k, v, p, out: batchMatmul(p, v), capped };
}

/** @param dy [batch, heads, queries, headDim] @returns gradients by group; those of queries or keys still without the scale, `dscores` those of the mask */
function attendBackward({ q, k, v, p, out, capped }: Attended, dy: Tensor, layout: Layout, softcap: number | null) {
  const dout = perGroup(dy, layout);
  const dv = batchMatmul(p, dout, { transposeA: true });
  const dp = batchMatmul(dout, v, { transposeB: true });
  const [dscores] = fused([p, dp, dout, out], [p.dtype], (share, gradient, dy, y) => {
    const delta = raw.sum(raw.multiply(dy, y), [-1], true);
    return [raw.multiply(share, raw.subtract(gradient, delta))];
  }) as [Tensor];
  const one = raw.scalar(q.runner, 1, q.dtype);
  const ds = softcap !== null && capped ? raw.multiply(dscores, raw.subtract(one, raw.square(capped))) : dscores;
  return { dq: batchMatmul(ds, k), dk: batchMatmul(ds, q, { transposeA: true }), dv, dscores };
}

/**
 * Softmax of q k^T, bent where a cap is asked for, plus the mask: [batch, kvHeads, group * queries, keys].
 * @returns `p` the softmax, `capped` scores / cap before the mask; both of that shape
 */
function shares(
  q: Tensor,
  k: Tensor,
  mask: Tensor,
  layout: Layout,
  softcap: number | null,
): { p: Tensor; capped: Tensor | null } {
  const isShort = layout.queries === 1;
  const own = maskPerGroup(mask, layout);
  const whole = softcap === null && !isShort ? productPlus(q, k, own) : null;
  const softmax = isShort && q.dtype === 'bfloat16' ? softmaxOfFew : raw.softmax;
  if (whole) return { p: softmax(whole), capped: null };
  const products = batchMatmul(q, k, { transposeB: true });
  const capped = softcap === null ? null : raw.tanh(raw.multiply(products, 1 / softcap));
  const scores = capped ? raw.multiply(capped, softcap!) : products;
  const [masked] = fused([scores, own], [q.dtype], (s, m) => [raw.add(s, m)]);
  return { p: softmax(masked!), capped };
}

/** q k^T + mask in one op, or null where there is none. */
function productPlus(q: Tensor, k: Tensor, mask: Tensor): Tensor | null {
  const factor = raw.scalar(q.runner, 1, q.dtype);
  const id = q.runner.addToProduct({ a: q.id, b: k.id, factor: factor.id, addend: mask.id }, q.dtype);
  return id === null ? null : makeTensor(q.runner, id, q.dtype, [...q.shape.slice(0, 3), k.shape[2]!]);
}

/** From single ops: oneDNN's, in bf16, takes longer to begin than these few values take in all. */
function softmaxOfFew(x: Tensor): Tensor {
  const wide = raw.cast(x, 'float32');
  const exps = raw.exp(raw.subtract(wide, raw.reduceMax(wide, [-1], true)));
  return raw.cast(raw.divide(exps, raw.sum(exps, [-1], true)), x.dtype);
}

interface Layout {
  readonly batch: Dim;
  /** Of this part. */
  readonly queries: Dim;
  readonly keys: Dim;
  readonly heads: number;
  readonly kvHeads: number;
}

function layoutsOf(q: Tensor, k: Tensor, parts: number): Layout[] {
  const [batch, heads, queries] = q.shape as [Dim, number, Dim];
  const [, kvHeads, keys] = k.shape as [Dim, number, Dim];
  return Array.from({ length: parts }, (_, index) => ({
    batch,
    queries: divideDim(queries, parts),
    keys: multiplyDims(index + 1, divideDim(keys, parts)),
    heads,
    kvHeads,
  }));
}

/** [batch, n, heads, headDim] <-> [batch, heads, n, headDim] */
const byHead = (x: Tensor): Tensor => raw.transpose(x, [0, 2, 1, 3]);

/** Parts, each [batch, heads, its queries, headDim] -> [batch * queries, heads * headDim] */
function fromHeads(parts: readonly Tensor[]): Tensor {
  const joined = byHead(raw.concat(parts, 2));
  const [batch, queries, heads, headDim] = joined.shape as [Dim, Dim, number, number];
  return raw.reshape(joined, [multiplyDims(batch, queries), heads * headDim]);
}

/** The keys or values that a part sees of all, [batch, kvHeads, keys, headDim]. */
function firstKeys(x: Tensor, { keys }: Layout): Tensor {
  return sameDim(x.shape[2]!, keys) ? x : raw.sliceAxis(x, 2, 0, keys);
}

/** Gradients of `firstKeys` of 1, 2, ... parts, added up, times a factor. */
function sumFirstKeys(parts: readonly Tensor[], factor: number): Tensor {
  if (parts.length === 1 && factor === 1) return parts[0]!;
  const [sum] = fused(parts, [parts[0]!.dtype], (...given) => {
    const pieces = given.map((part, index) => raw.splitEvenly(part, index + 1, 2));
    const sums = pieces.map((_, at) =>
      pieces
        .slice(at)
        .map((piece) => piece[at]!)
        .reduce((a, b) => raw.add(a, b)),
    );
    const joined = raw.concat(sums, 2);
    return [factor === 1 ? joined : raw.multiply(joined, factor)];
  });
  return sum!;
}

/** Rows and columns of the mask that a part needs; a graph cuts them out once for all layers. @param index null = the whole */
function maskPart(mask: Tensor, { queries, keys }: Layout, index: number | null): Tensor {
  if (index === null) return mask;
  const begin = index === 0 ? 0 : multiplyDims(index, queries);
  return raw.sliceAxis(raw.sliceAxis(mask, 2, begin, queries), 3, 0, keys);
}

/** A mask as scores lie: what query heads share is there once for each of a group, and a graph makes it once for all layers. */
function maskPerGroup(mask: Tensor, { heads, kvHeads, queries }: Layout): Tensor {
  const [batch, own, , keys] = mask.shape as [Dim, number, Dim, Dim];
  const group = heads / kvHeads;
  if (group === 1 || (own === 1 && queries === 1)) return mask;
  if (own !== 1) return raw.reshape(mask, [batch, kvHeads, multiplyDims(group, queries), keys]);
  return raw.concat(
    Array.from({ length: group }, () => mask),
    2,
  );
}

/** [batch, kvHeads, group * queries, n] -> [batch, heads, queries, n] */
function perHead(x: Tensor, { batch, heads, queries }: Layout): Tensor {
  return raw.reshape(x, [batch, heads, queries, x.shape[3]!]);
}

/** The inverse of `perHead`: query heads that share a key/value head lie one under the other. */
function perGroup(x: Tensor, { batch, kvHeads, heads, queries }: Layout): Tensor {
  return raw.reshape(x, [batch, kvHeads, multiplyDims(heads / kvHeads, queries), x.shape[3]!]);
}
