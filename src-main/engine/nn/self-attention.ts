/**
 * @file Self-attention of decoder models: projections, optional norms on queries and keys, rotary positions, cache, output.
 */
import type { Dim } from '../device/dim.ts';
import { attention } from '../ops/attention.ts';
import * as basics from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { rotary } from '../ops/rotary.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { TokenBatch } from './batch.ts';
import { applyLinear, applyLinears, type Linear, linearWeights, makeLinear, vectorOf } from './linear.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface SelfAttention {
  readonly layer: number;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly softcap: number | null;
  /** Name of the rotary tables in `TokenBatch.tables`; null = no rotation. */
  readonly rope: string | null;
  /** Leading part of each head that is rotated. */
  readonly rotaryDim: number;
  /** RMS norm over each head of q and k (Qwen 3, Gemma 3), or null. */
  readonly headNorm: { readonly q: string; readonly k: string; readonly eps: number; readonly addOne: boolean } | null;
}

export interface SelfAttentionOptions {
  readonly layer: number;
  /** `model.layers.0.self_attn` */
  readonly path: string;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly scale?: number;
  readonly softcap?: number | null;
  readonly rope: string | null;
  readonly rotaryDim?: number;
  readonly headNorm?: { readonly eps: number; readonly addOne: boolean } | null;
}

export function makeSelfAttention(options: SelfAttentionOptions): SelfAttention {
  const { path, hidden, heads, kvHeads, headDim, qkvBias, outputBias, headNorm = null } = options;
  return {
    layer: options.layer,
    q: makeLinear(`${path}.q_proj`, hidden, heads * headDim, qkvBias),
    k: makeLinear(`${path}.k_proj`, hidden, kvHeads * headDim, qkvBias),
    v: makeLinear(`${path}.v_proj`, hidden, kvHeads * headDim, qkvBias),
    o: makeLinear(`${path}.o_proj`, heads * headDim, hidden, outputBias),
    heads,
    kvHeads,
    headDim,
    scale: options.scale ?? headDim ** -0.5,
    softcap: options.softcap ?? null,
    rope: options.rope,
    rotaryDim: options.rotaryDim ?? headDim,
    headNorm: headNorm && { q: `${path}.q_norm.weight`, k: `${path}.k_norm.weight`, ...headNorm },
  };
}

export function selfAttentionLinears({ q, k, v, o }: SelfAttention): Linear[] {
  return [q, k, v, o];
}

export function selfAttentionWeights(module: SelfAttention): WeightSpec[] {
  const { q, k, v, o, headNorm, headDim } = module;
  const norms = headNorm ? [headNorm.q, headNorm.k] : [];
  return [
    ...linearWeights([q, k, v]),
    ...linearWeights([o]),
    ...norms.map((name) => ({ name, shape: [headDim], role: 'vector' as const })),
  ];
}

/** @param x [tokens, hidden], compute dtype @param mask [batch, 1, seq, keys] @returns [tokens, hidden] */
export function applySelfAttention(
  ctx: StepContext,
  x: Tensor,
  module: SelfAttention,
  tokens: TokenBatch,
  mask: Tensor,
): Tensor {
  const { heads, kvHeads, headDim, scale, softcap, headNorm } = module;
  const [q, k, v] = applyLinears(ctx, x, [module.q, module.k, module.v]) as [Tensor, Tensor, Tensor];
  const toHeads = (y: Tensor, count: number): Tensor => basics.reshape(y, [tokens.batch, tokens.seq, count, headDim]);
  const normed = (y: Tensor, name: string | undefined): Tensor =>
    headNorm && name
      ? rmsNorm(y, vectorOf(ctx, name), { eps: headNorm.eps, dtype: ctx.compute, addOne: headNorm.addOne })
      : y;
  const queries = rotate(ctx, normed(toHeads(q, heads), headNorm?.q), module, tokens);
  const keys = rotate(ctx, normed(toHeads(k, kvHeads), headNorm?.k), module, tokens);
  const values = toHeads(v, kvHeads);
  const all = tokens.cache ? tokens.cache.extend(module.layer, keys, values) : { k: keys, v: values };
  return applyLinear(ctx, attention(queries, all.k, all.v, mask, { scale, softcap }), module.o);
}

function rotate(ctx: StepContext, x: Tensor, { rope, rotaryDim, headDim }: SelfAttention, tokens: TokenBatch): Tensor {
  if (rope === null) return x;
  const { cos, sin } = ropeAt(ctx, rope, rotaryDim, tokens);
  if (rotaryDim === headDim) return rotary(x, cos, sin);
  const [turned, rest] = basics.split(x, [rotaryDim, headDim - rotaryDim], 3) as [Tensor, Tensor];
  return basics.concat([rotary(turned, cos, sin), rest], 3);
}

const gathered = new WeakMap<TokenBatch, Map<string, { cos: Tensor; sin: Tensor }>>();

/** Rows of the rotary tables at the tokens' positions, [batch, seq, 1, rotaryDim], made once per batch. */
function ropeAt(ctx: StepContext, name: string, width: number, tokens: TokenBatch): { cos: Tensor; sin: Tensor } {
  const known = gathered.get(tokens) ?? new Map<string, { cos: Tensor; sin: Tensor }>();
  gathered.set(tokens, known);
  const found = known.get(name);
  if (found) return found;
  const shape: Dim[] = [tokens.batch, tokens.seq, 1, width];
  const rows = (table: Tensor): Tensor =>
    ctx.runner.scope(
      () => raw.cast(raw.reshape(raw.gatherRows(table, tokens.positions), shape), ctx.compute),
      (result) => [result.id],
    );
  const made = { cos: rows(tokens.tables[`${name}_cos`]!), sin: rows(tokens.tables[`${name}_sin`]!) };
  known.set(name, made);
  return made;
}
