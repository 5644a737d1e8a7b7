/**
 * @file One transformer block: attention and MLP joined to the residual stream, one after the other or side by side.
 */
import * as basics from '../ops/basics.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { TokenBatch } from './batch.ts';
import type { Linear } from './linear.ts';
import type { Mlp } from './mlp.ts';
import { applyNorm, type Norm, normWeights, readStream } from './norm.ts';
import {
  applySelfAttention,
  type SelfAttention,
  selfAttentionLinears,
  selfAttentionWeights,
} from './self-attention.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

export interface Block {
  /** `model.layers.0` */
  readonly path: string;
  /** Sliding window, null = full attention. */
  readonly window: number | null;
  readonly weights: readonly WeightSpec[];
  readonly linears: readonly Linear[];
  /** @param x the stream, [tokens, hidden], f32 @returns the stream */
  apply(ctx: StepContext, x: Tensor, tokens: TokenBatch, mask: Tensor): Tensor;
}

export interface BlockParts {
  readonly path: string;
  readonly window: number | null;
  readonly attention: SelfAttention;
  readonly mlp: Mlp;
}

/** Where norms stand; null = none there. */
export interface BranchNorms {
  readonly beforeAttention: Norm | null;
  readonly afterAttention: Norm | null;
  readonly beforeMlp: Norm | null;
  readonly afterMlp: Norm | null;
}

/** x + attention(x), then that + mlp(that); norms before a branch (GPT-2, Llama), after it (OLMo 2) or both (Gemma). */
export function sequentialBlock(parts: BlockParts, norms: BranchNorms): Block {
  const { attention, mlp } = parts;
  const { beforeAttention, afterAttention, beforeMlp, afterMlp } = norms;
  return makeBlock(parts, [beforeAttention, afterAttention, beforeMlp, afterMlp], (ctx, x, tokens, mask) => {
    const first = readStream(ctx, x, beforeAttention);
    const attended = applySelfAttention(ctx, first.input, attention, tokens, mask);
    const second = readStream(ctx, basics.addToStream(first.stream, normed(ctx, attended, afterAttention)), beforeMlp);
    return basics.addToStream(second.stream, normed(ctx, mlp.apply(ctx, second.input), afterMlp));
  });
}

/** norm(x + attention(x)), then the same with the MLP: the stream itself is normed (BERT). */
export function postNormBlock(
  parts: BlockParts,
  norms: { readonly afterAttention: Norm; readonly afterMlp: Norm },
): Block {
  const { attention, mlp } = parts;
  const { afterAttention, afterMlp } = norms;
  return makeBlock(parts, [afterAttention, afterMlp], (ctx, x, tokens, mask) => {
    const attended = applySelfAttention(ctx, basics.cast(x, ctx.compute), attention, tokens, mask);
    const between = normToStream(ctx, basics.addToStream(x, attended), afterAttention);
    const computed = mlp.apply(ctx, basics.cast(between, ctx.compute));
    return normToStream(ctx, basics.addToStream(between, computed), afterMlp);
  });
}

/** A norm whose result is the stream: f32. */
export function normToStream(ctx: StepContext, x: Tensor, norm: Norm): Tensor {
  return applyNorm(ctx, x, norm, 'float32');
}

/** x + attention(x) + mlp(x). @param beforeMlp null = the MLP reads what the attention reads */
export function parallelBlock(parts: BlockParts, beforeAttention: Norm, beforeMlp: Norm | null): Block {
  const { attention, mlp } = parts;
  return makeBlock(parts, [beforeAttention, beforeMlp], (ctx, x, tokens, mask) => {
    const first = readStream(ctx, x, beforeAttention);
    const second = beforeMlp ? readStream(ctx, first.stream, beforeMlp) : first;
    const attended = applySelfAttention(ctx, first.input, attention, tokens, mask);
    return basics.addToStream(basics.addToStream(second.stream, attended), mlp.apply(ctx, second.input));
  });
}

function makeBlock(
  { path, window, attention, mlp }: BlockParts,
  norms: readonly (Norm | null)[],
  apply: Block['apply'],
): Block {
  return {
    path,
    window,
    weights: [...selfAttentionWeights(attention), ...mlp.weights, ...normWeights(norms)],
    linears: [...selfAttentionLinears(attention), ...mlp.linears],
    apply,
  };
}

const normed = (ctx: StepContext, y: Tensor, norm: Norm | null): Tensor => (norm ? applyNorm(ctx, y, norm) : y);
