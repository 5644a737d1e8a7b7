/**
 * @file From hidden states to queries, keys and values: three linears, or one whose outputs hold all three.
 *
 * Layouts of the one linear: `stacked` = all queries, then all keys, then all values (GPT-2, Phi 3); `grouped` = for each key/value
 * head its query heads, its key, its value (GPT-NeoX, where each group has one query head; Falcon, where one group may have all).
 */
import * as basics from '../ops/basics.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { TokenBatch } from './batch.ts';
import { applyLinear, applyLinears, type Linear, linearWeights, makeLinear } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface HeadCounts {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Names of the linears under the attention's path. */
export type ProjectionNames =
  | { readonly layout: 'separate'; readonly q: string; readonly k: string; readonly v: string }
  | { readonly layout: 'stacked' | 'grouped'; readonly qkv: string; readonly transposed?: boolean };

export interface QueryKeyValue extends HeadCounts {
  readonly layout: ProjectionNames['layout'];
  /** q, k, v; or the one that holds all. */
  readonly linears: readonly Linear[];
  readonly weights: readonly WeightSpec[];
}

/** Each [batch, seq, its heads, headDim], compute dtype. */
export interface Heads {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

export function makeQueryKeyValue(
  path: string,
  hidden: number,
  counts: HeadCounts,
  bias: boolean,
  names: ProjectionNames,
): QueryKeyValue {
  const { heads, kvHeads, headDim } = counts;
  const linears =
    names.layout === 'separate'
      ? [
          makeLinear(`${path}.${names.q}`, hidden, heads * headDim, bias),
          makeLinear(`${path}.${names.k}`, hidden, kvHeads * headDim, bias),
          makeLinear(`${path}.${names.v}`, hidden, kvHeads * headDim, bias),
        ]
      : [makeLinear(`${path}.${names.qkv}`, hidden, (heads + 2 * kvHeads) * headDim, bias, names.transposed)];
  return { ...counts, layout: names.layout, linears, weights: linearWeights(linears) };
}

/** @param x [tokens, hidden], compute dtype */
export function project(ctx: StepContext, x: Tensor, module: QueryKeyValue, { batch, seq }: TokenBatch): Heads {
  const { layout, linears, heads, kvHeads, headDim } = module;
  const toHeads = (y: Tensor, count: number): Tensor => basics.reshape(y, [batch, seq, count, headDim]);
  const named = ([q, k, v]: readonly Tensor[]): Heads => ({
    q: toHeads(q!, heads),
    k: toHeads(k!, kvHeads),
    v: toHeads(v!, kvHeads),
  });
  if (layout === 'separate') return named(applyLinears(ctx, x, linears));
  const all = applyLinear(ctx, x, linears[0]!);
  if (layout === 'stacked') {
    return named(basics.split(all, [heads * headDim, kvHeads * headDim, kvHeads * headDim], 1));
  }
  const group = heads / kvHeads;
  const grouped = basics.reshape(all, [-1, kvHeads, group + 2, headDim]); // [tokens, kvHeads, group + 2, headDim]
  return named(basics.split(grouped, [group, 1, 1], 2));
}
