/**
 * @file A decoder's attention to what its encoder has read.
 */
import { attention } from '../ops/attention.ts';
import * as basics from '../ops/basics.ts';
import type { Tensor } from '../ops/tensor.ts';
import { headsFirst, type KeysAndValues, type TokenBatch } from './batch.ts';
import { applyLinear, applyLinears, type Linear, linearWeights, makeLinear } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface CrossAttention {
  readonly layer: number;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly output: Linear;
  readonly heads: number;
  readonly headDim: number;
  readonly scale: number;
}

export interface CrossAttentionOptions extends Pick<CrossAttention, 'layer' | 'heads' | 'headDim' | 'scale'> {
  /** `decoder.block.0.layer.1.EncDecAttention` */
  readonly path: string;
  readonly hidden: number;
  /** Names of the four linears under the path. */
  readonly names: readonly [q: string, k: string, v: string, output: string];
  readonly bias: boolean;
}

export function makeCrossAttention(options: CrossAttentionOptions): CrossAttention {
  const { layer, path, hidden, heads, headDim, scale, bias } = options;
  const [q, k, v, output] = options.names.map((name) => `${path}.${name}`) as [string, string, string, string];
  const inner = heads * headDim;
  return {
    layer,
    heads,
    headDim,
    scale,
    q: makeLinear(q, hidden, inner, bias),
    k: makeLinear(k, hidden, inner, bias),
    v: makeLinear(v, hidden, inner, bias),
    output: makeLinear(output, inner, hidden, bias),
  };
}

export function crossAttentionLinears({ q, k, v, output }: CrossAttention): Linear[] {
  return [q, k, v, output];
}

export function crossAttentionWeights({ q, k, v, output }: CrossAttention): WeightSpec[] {
  return [...linearWeights([q]), ...linearWeights([k, v]), ...linearWeights([output])];
}

/**
 * @param x [tokens, hidden], compute dtype
 * @param states what the encoder made of the source, [source tokens, hidden], compute dtype; null where the cache has its keys and values
 * @param mask [batch, 1, seq, source seq]
 * @returns [tokens, hidden]
 */
export function applyCrossAttention(
  ctx: StepContext,
  x: Tensor,
  module: CrossAttention,
  tokens: TokenBatch,
  states: Tensor | null,
  mask: Tensor,
): Tensor {
  const { layer, q, k, v, output, heads, headDim, scale } = module;
  const { batch, seq, cache, source } = tokens;
  const make = (): KeysAndValues => {
    if (!states) throw new Error('internal: neither the source nor its keys and values are there');
    const [keys, values] = applyLinears(ctx, states, [k, v]).map((y) =>
      headsFirst(basics.reshape(y, [batch, source!.seq, heads, headDim])),
    ) as [Tensor, Tensor];
    return { k: keys, v: values };
  };
  const queries = headsFirst(basics.reshape(applyLinear(ctx, x, q), [batch, seq, heads, headDim]));
  const kept = cache ? cache.source(layer, make) : make();
  return applyLinear(ctx, attention(queries, kept.k, kept.v, mask, { scale }), output);
}
