/**
 * @file Self-attention of decoder models: projections, optional norms on queries and keys, rotary positions, cache, output.
 */
import type { Dim } from '../device/dim.ts';
import { attention } from '../ops/attention.ts';
import * as basics from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import { rotary } from '../ops/rotary.ts';
import type { Tensor } from '../ops/tensor.ts';
import { headsFirst, type TokenBatch } from './batch.ts';
import { applyLinear, type Linear, linearWeights, makeLinear } from './linear.ts';
import { applyNorm, type Norm, normWeights } from './norm.ts';
import {
  type HeadCounts,
  makeQueryKeyValue,
  project,
  type ProjectionNames,
  type QueryKeyValue,
} from './query-key-value.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

/** Rotary positions: name of the tables in `TokenBatch.tables`, and the leading part of each head that is rotated. */
export interface RopeUse {
  readonly tables: string;
  readonly width: number;
}

/** Norms on queries and keys. Their size says whether they run over each head or over all heads at once. */
export interface HeadNorms {
  readonly q: Norm;
  readonly k: Norm;
}

export interface SelfAttention extends HeadCounts {
  readonly layer: number;
  readonly qkv: QueryKeyValue;
  readonly output: Linear;
  readonly scale: number;
  readonly softcap: number | null;
  /** null = no rotation. */
  readonly rope: RopeUse | null;
  readonly norms: HeadNorms | null;
}

export interface SelfAttentionOptions extends HeadCounts {
  readonly layer: number;
  /** `model.layers.0.self_attn` */
  readonly path: string;
  readonly hidden: number;
  /** q_proj, k_proj, v_proj where left out. */
  readonly projection?: ProjectionNames;
  /** Name of the output linear; o_proj where left out. */
  readonly outputName?: string;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  /** Factor on the scores; headDim ** -0.5 where left out. */
  readonly scale?: number;
  readonly softcap?: number | null;
  readonly rope: RopeUse | null;
  readonly norms?: HeadNorms | null;
}

const SEPARATE: ProjectionNames = { layout: 'separate', q: 'q_proj', k: 'k_proj', v: 'v_proj' };

export function makeSelfAttention(options: SelfAttentionOptions): SelfAttention {
  const { layer, path, hidden, heads, kvHeads, headDim, projection = SEPARATE, outputName = 'o_proj' } = options;
  const counts = { heads, kvHeads, headDim };
  const transposed = projection.layout !== 'separate' && projection.transposed === true;
  return {
    ...counts,
    layer,
    qkv: makeQueryKeyValue(path, hidden, counts, options.qkvBias, projection),
    output: makeLinear(`${path}.${outputName}`, heads * headDim, hidden, options.outputBias, transposed),
    scale: options.scale ?? headDim ** -0.5,
    softcap: options.softcap ?? null,
    rope: options.rope,
    norms: options.norms ?? null,
  };
}

export function selfAttentionLinears({ qkv, output }: SelfAttention): Linear[] {
  return [...qkv.linears, output];
}

export function selfAttentionWeights({ qkv, output, norms }: SelfAttention): WeightSpec[] {
  return [...qkv.weights, ...linearWeights([output]), ...(norms ? normWeights([norms.q, norms.k]) : [])];
}

/** @param x [tokens, hidden], compute dtype @param mask [batch, 1 or heads, seq, keys] @returns [tokens, hidden] */
export function applySelfAttention(
  ctx: StepContext,
  x: Tensor,
  module: SelfAttention,
  tokens: TokenBatch,
  mask: Tensor,
): Tensor {
  const { scale, softcap, norms, layer } = module;
  const { q, k, v } = project(ctx, x, module.qkv, tokens);
  const queries = rotate(ctx, norms ? normHeads(ctx, q, norms.q) : q, module, tokens);
  const keys = rotate(ctx, norms ? normHeads(ctx, k, norms.k) : k, module, tokens);
  const own = { k: keys, v: headsFirst(v) };
  const all = tokens.cache ? tokens.cache.extend(layer, own) : own;
  const { parts } = tokens;
  return applyLinear(ctx, attention(queries, all.k, all.v, mask, { scale, softcap, parts }), module.output);
}

/** @param x [batch, seq, heads, headDim] */
function normHeads(ctx: StepContext, x: Tensor, norm: Norm): Tensor {
  const rows = basics.reshape(x, [-1, norm.size]);
  return basics.reshape(applyNorm(ctx, rows, norm), x.shape);
}

/** @param x [batch, seq, heads, headDim] @returns [batch, heads, seq, headDim] */
function rotate(ctx: StepContext, x: Tensor, { rope, headDim }: SelfAttention, tokens: TokenBatch): Tensor {
  if (rope === null) return headsFirst(x);
  const { cos, sin } = ropeAt(ctx, rope, tokens);
  if (rope.width === headDim) return rotary(x, cos, sin);
  const [turned, rest] = basics.split(x, [rope.width, headDim - rope.width], 3) as [Tensor, Tensor];
  return basics.concat([rotary(turned, cos, sin), headsFirst(rest)], 3);
}

const gathered = new WeakMap<TokenBatch, Map<string, { cos: Tensor; sin: Tensor }>>();

/** Rows of the rotary tables at the tokens' positions, [batch, seq, 1, width], made once per batch and kept for all blocks. */
function ropeAt(ctx: StepContext, { tables, width }: RopeUse, tokens: TokenBatch): { cos: Tensor; sin: Tensor } {
  const known = gathered.get(tokens) ?? new Map<string, { cos: Tensor; sin: Tensor }>();
  gathered.set(tokens, known);
  const found = known.get(tables);
  if (found) return found;
  const shape: Dim[] = [tokens.batch, tokens.seq, 1, width];
  // For the whole step: the block that asks first may be checkpointed, and what it makes ends with it.
  const rows = (table: Tensor): Tensor =>
    ctx.runner.forStep(() => raw.cast(raw.reshape(raw.gatherRows(table, tokens.positions), shape), ctx.compute));
  const made = { cos: rows(tokens.tables[`${tables}_cos`]!), sin: rows(tokens.tables[`${tables}_sin`]!) };
  known.set(tables, made);
  return made;
}
