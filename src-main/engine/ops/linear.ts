/**
 * @file Linear layers y = x W^T with frozen or trainable W, and the low-rank update of LoRA on top.
 *
 * The frozen weight is asked for again in the backward pass instead of being kept, so that a quantized one is expanded only while
 * it is needed; it never gets a gradient. Several linears with one input share one product (their weights stacked along the
 * outputs), and their A matrices too. Source: Hu et al. 2021; PEFT's LoraLayer for scaling and dropout.
 */
import type { Dim } from '../device/dim.ts';
import { addInReader, fused, fusedIntoReader } from './fused.ts';
import { matmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

/** A trainable tensor: the f32 leaf that gets the gradient, and its copy in the dtype that products run in. */
export interface Parameter {
  readonly leaf: Tensor;
  readonly value: Tensor;
}

/** W + diag(s) scale B A. */
export interface LowRankUpdate {
  /** [rank, in] */
  readonly a: Parameter;
  /** [out, rank] */
  readonly b: Parameter;
  readonly scale: number;
  /** Scaling vector of Quasi-LoRA, [out]; null for LoRA. */
  readonly s: Parameter | null;
}

/**
 * x times several frozen matrices at once.
 * @param x [tokens, in]
 * @param weight gives the stacked weights [sum of sizes, in] in x's dtype; called in forward and again in backward, each time with
 *   the value that is at hand then, so that a graph does not expand a quantized weight before its turn.
 * @param sizes outputs of each linear.
 * @returns one [tokens, size] per linear.
 */
export function frozenLinear(x: Tensor, weight: (after: Tensor | null) => Tensor, sizes: readonly number[]): Tensor[] {
  return differentiable(
    x.runner,
    [x],
    () => {
      if (!x.runner.fuses) return raw.split(matmul(x, weight(x), { transposeB: true }), sizes, 1);
      return rowsOf(weight(x), sizes).map((rows) => matmul(x, rows, { transposeB: true }));
    },
    (dys) => {
      const stacked = weight(dys.find((dy) => dy !== null)!);
      if (!x.runner.fuses) return [matmul(joinGradients(dys, sizes, x), stacked)];
      return [addInReader(throughWeights(dys, stacked, sizes, x))];
    },
  );
}

/** The rows of each linear: one product for each writes its result once, where one for all would have to be cut. Whole rows are not copied. */
export function rowsOf(weight: Tensor, sizes: readonly number[]): Tensor[] {
  if (sizes.length === 1) return [weight];
  let end = 0;
  return sizes.map((size) => raw.sliceAxis(weight, 0, (end += size) - size, size));
}

/**
 * @returns dy W: one product for all linears, or, where they are as wide as the input or wider, which is too much to join, one for each:
 *   their sum is meant
 */
export function throughWeights(
  dys: readonly (Tensor | null)[],
  weight: Tensor,
  sizes: readonly number[],
  x: Tensor,
): Tensor[] {
  const width = x.shape[1] as number;
  if (sizes.some((size) => size < width)) return [matmul(joinGradients(dys, sizes, x), weight)];
  return rowsOf(weight, sizes).flatMap((rows, index) => (dys[index] ? [matmul(dys[index], rows)] : []));
}

/** Gradients of linears side by side, those that are missing as zeros. @returns [tokens, sum of sizes] */
function joinGradients(dys: readonly (Tensor | null)[], sizes: readonly number[], x: Tensor): Tensor {
  const tokens: Dim = x.shape[0]!;
  const parts = dys.map((dy, index) => dy ?? raw.fill(x.runner, [tokens, sizes[index]!], 0, x.dtype));
  return raw.concat(parts, 1);
}

/** x W^T with a trainable W. @param weight [out, in] */
export function trainableLinear(x: Tensor, weight: Parameter): Tensor {
  const [out] = differentiable(
    x.runner,
    [x, weight.leaf],
    (save) => {
      save(x, weight.value);
      return [matmul(x, weight.value, { transposeB: true })];
    },
    ([dy]) => [needsGradient(x) ? matmul(dy!, weight.value) : null, matmul(dy!, x, { transposeA: true })],
  );
  return out!;
}

/** y + bias; the bias may be trainable. @param bias [out] */
export function addBias(y: Tensor, bias: Parameter): Tensor {
  const [out] = differentiable(
    y.runner,
    [y, bias.leaf],
    () => [raw.add(y, bias.value)],
    ([dy]) => [dy!, needsGradient(bias.leaf) ? raw.sum(raw.cast(dy!, 'float32'), [0]) : null],
  );
  return out!;
}

/**
 * Adds the low-rank updates of several linears that share the input x.
 * @param x [tokens, in]; dropout is already applied.
 * @param ys base results, one [tokens, out] per update.
 * @returns y + x A^T B'^T per linear, where B' = diag(s) scale B. The gradient of s costs no product over tokens:
 *   ds = scale * rowsum(dB' * B).
 */
export function lowRankUpdate(x: Tensor, ys: readonly Tensor[], updates: readonly LowRankUpdate[]): Tensor[] {
  const { runner } = x;
  const ranks = updates.map(({ a }) => a.value.shape[0] as number);
  const scaled = updates.map((update) => scaledB(update));
  const stackedA = raw.concat(
    updates.map(({ a }) => a.value),
    0,
  );
  const leaves = updates.flatMap(({ a, b, s }) => (s ? [a.leaf, b.leaf, s.leaf] : [a.leaf, b.leaf]));
  let narrow: Tensor[] = [];
  return differentiable(
    runner,
    [x, ...ys, ...leaves],
    (save) => {
      narrow = raw.split(matmul(x, stackedA, { transposeB: true }), ranks, 1);
      save(x, stackedA, ...narrow, ...scaled);
      return ys.map((y, index) => raw.add(y, matmul(narrow[index]!, scaled[index]!, { transposeB: true })));
    },
    (dys) => {
      const grads = updates.map((update, index) => {
        const dy = dys[index];
        return dy ? { back: matmul(dy, scaled[index]!), ...gradientOfB(update, dy, narrow[index]!) } : null;
      });
      const parts = grads.map(
        (grad, index) => grad?.back ?? raw.fill(runner, [x.shape[0]!, ranks[index]!], 0, x.dtype),
      );
      const wide = raw.concat(parts, 1); // [tokens, sum of ranks]
      const dx = needsGradient(x) ? matmul(wide, stackedA) : null;
      const das = raw.split(matmul(wide, x, { transposeA: true }), ranks, 0);
      const leafGradients = updates.flatMap((update, index) => {
        const grad = grads[index];
        const row = [grad ? das[index]! : null, grad?.b ?? null];
        return update.s ? [...row, grad?.s ?? null] : row;
      });
      return [dx, ...ys.map((_, index) => dys[index] ?? null), ...leafGradients];
    },
  );
}

/** B' = diag(s) scale B, [out, rank], in the dtype of products. */
export function scaledB({ b, s, scale }: LowRankUpdate): Tensor {
  if (!s) return raw.multiply(b.value, scale);
  return raw.multiply(raw.multiply(b.value, raw.reshape(s.value, [-1, 1])), scale);
}

/** @param narrow x A^T, [tokens, rank] @returns gradients of B and of s (null without one), from dB' = dy^T narrow */
export function gradientOfB(
  { b, s, scale }: LowRankUpdate,
  dy: Tensor,
  narrow: Tensor,
): { b: Tensor; s: Tensor | null } {
  // dB'^T, since only the narrow factor of the product is then laid out anew.
  const raised = matmul(narrow, dy, { transposeA: true }); // [rank, out]
  const upright = (x: Tensor): Tensor => raw.transpose(x, [1, 0]);
  // Read by a kernel where shards add theirs up.
  if (!s) return { b: fusedIntoReader([raised], raised.dtype, (x) => raw.multiply(upright(x), scale)), s: null };
  const [db, ds] = fused([raised, b.value, s.value], [raised.dtype, raised.dtype], (x, factor, along) => {
    const gradient = upright(x);
    return [
      raw.multiply(raw.multiply(gradient, raw.reshape(along, [-1, 1])), scale),
      raw.multiply(raw.sum(raw.multiply(gradient, factor), [1]), scale),
    ];
  });
  return { b: db!, s: ds! };
}
