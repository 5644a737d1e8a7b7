/**
 * @file Cases of attention, and what the formula gives for them.
 */
import type { AttentionOptions } from '../../../../src-main/engine/ops/attention.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import type { Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';

export interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export interface AttentionCase extends AttentionOptions {
  readonly title: string;
  readonly sizes: Sizes;
  /** Whether the query may look at the key. */
  readonly sees: (batch: number, head: number, query: number, key: number) => boolean;
  /** Axes of the mask that are 1: the batch, the heads. */
  readonly shared: readonly [batch: boolean, heads: boolean];
}

export const SMALL: Sizes = { batch: 2, queries: 3, keys: 3, heads: 4, kvHeads: 2, headDim: 3 };
const causal = (_batch: number, _head: number, query: number, key: number): boolean => key <= query;

export const CASES: AttentionCase[] = [
  { title: 'grouped heads, causal', sizes: SMALL, sees: causal, shared: [true, true], scale: 0.6 },
  {
    title: 'one key/value head, masks by row of the batch',
    sizes: { ...SMALL, kvHeads: 1 },
    sees: (batch, head, query, key) => causal(batch, head, query, key) && (batch === 0 || key > 0 || query === 0),
    shared: [false, true],
    scale: 1,
  },
  {
    title: 'as many key/value heads as heads, soft cap, masks by head',
    sizes: { ...SMALL, kvHeads: 4 },
    sees: (batch, head, query, key) => causal(batch, head, query, key) || head === 1,
    shared: [true, false],
    scale: 0.9,
    softcap: 1.5,
  },
  {
    title: 'grouped heads, masks by head',
    sizes: SMALL,
    sees: (batch, head, query, key) => causal(batch, head, query, key) || head === 1,
    shared: [true, false],
    scale: 0.8,
  },
  {
    title: 'more keys than queries, soft cap',
    sizes: { batch: 1, queries: 2, keys: 5, heads: 6, kvHeads: 2, headDim: 2 },
    sees: (_batch, _head, query, key) => key <= query + 3,
    shared: [true, true],
    scale: 0.7,
    softcap: 0.8,
  },
  ...[2, 4].map((parts): AttentionCase => ({
    title: `in ${parts} parts, grouped heads, packed rows`,
    sizes: { ...SMALL, queries: 8, keys: 8 },
    sees: (_batch, _head, query, key) => key <= query && Math.floor(key / 3) === Math.floor(query / 3),
    shared: [false, true],
    scale: 0.6,
    parts,
  })),
  {
    title: 'in two parts, soft cap, masks by head',
    sizes: { ...SMALL, queries: 4, keys: 4 },
    sees: (_batch, head, query, key) => key <= query && (head > 0 || query - key < 2),
    shared: [true, false],
    scale: 0.9,
    softcap: 1.5,
    parts: 2,
  },
];

function maskValues({ sizes, sees, shared }: AttentionCase): { values: Float32Array<ArrayBuffer>; shape: number[] } {
  const shape = [shared[0] ? 1 : sizes.batch, shared[1] ? 1 : sizes.heads, sizes.queries, sizes.keys];
  const values: number[] = [];
  for (let batch = 0; batch < shape[0]!; batch += 1) {
    for (let head = 0; head < shape[1]!; head += 1) {
      for (let query = 0; query < sizes.queries; query += 1) {
        for (let key = 0; key < sizes.keys; key += 1) values.push(sees(batch, head, query, key) ? 0 : -1e9);
      }
    }
  }
  return { values: Float32Array.from(values), shape };
}

export const shapesOf = ({ batch, queries, keys, heads, kvHeads, headDim }: Sizes) => ({
  q: { shape: [batch, queries, heads, headDim] },
  k: { shape: [batch, keys, kvHeads, headDim] },
  v: { shape: [batch, keys, kvHeads, headDim] },
});

export function maskOf(like: Tensor, options: AttentionCase): Tensor {
  const { values, shape } = maskValues(options);
  return raw.constant(like.runner, values, 'float32', shape);
}

/** The formula in f64: [batch * queries, heads * headDim] */
export function written(options: AttentionCase, q: Float32Array, k: Float32Array, v: Float32Array): number[] {
  const { sizes, scale, softcap, sees } = options;
  const { batch, queries, keys, heads, kvHeads, headDim } = sizes;
  const out: number[] = [];
  for (let row = 0; row < batch * queries; row += 1) {
    const b = Math.floor(row / queries);
    for (let head = 0; head < heads; head += 1) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = (key: number, d: number): number => ((b * keys + key) * kvHeads + kvHead) * headDim + d;
      const powers = Array.from({ length: keys }, (_, key) => {
        if (!sees(b, head, row % queries, key)) return 0;
        let score = 0;
        for (let d = 0; d < headDim; d += 1) score += q[(row * heads + head) * headDim + d]! * k[at(key, d)]!;
        score *= scale;
        return Math.exp(softcap ? softcap * Math.tanh(score / softcap) : score);
      });
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (let d = 0; d < headDim; d += 1) {
        out.push(powers.reduce((sum, power, key) => sum + (power / total) * v[at(key, d)]!, 0));
      }
    }
  }
  return out;
}

export type AttentionInputs = Readonly<Record<'q' | 'k' | 'v', Float32Array<ArrayBuffer>>>;

/** Random queries, keys and values, shaped as `shapesOf`. */
export function drawInputs(sizes: Sizes): AttentionInputs {
  const draw = (name: 'q' | 'k' | 'v') =>
    drawNormal(
      3,
      name,
      shapesOf(sizes)[name].shape.reduce((a, b) => a * b),
      1,
    );
  return { q: draw('q'), k: draw('k'), v: draw('v') };
}
