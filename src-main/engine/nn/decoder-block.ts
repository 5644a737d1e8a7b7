/**
 * @file One block of an encoder-decoder's decoder: attention to the answer so far, attention to the source, MLP; each reads the stream
 * through a norm and adds to it.
 */
import * as basics from '../ops/basics.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { TokenBatch } from './batch.ts';
import {
  applyCrossAttention,
  type CrossAttention,
  crossAttentionLinears,
  crossAttentionWeights,
} from './cross-attention.ts';
import type { Linear } from './linear.ts';
import type { Mlp } from './mlp.ts';
import { type Norm, normWeights, readStream } from './norm.ts';
import {
  applySelfAttention,
  type SelfAttention,
  selfAttentionLinears,
  selfAttentionWeights,
} from './self-attention.ts';
import type { StepContext } from './step-context.ts';
import type { WeightSpec } from './weight-spec.ts';

/** Added to the scores of the two attentions. */
export interface DecoderMasks {
  /** [batch or 1, 1 or heads, seq, keys] */
  readonly own: Tensor;
  /** [batch, 1, seq, source seq] */
  readonly source: Tensor;
}

export interface DecoderBlock {
  /** `decoder.block.0` */
  readonly path: string;
  readonly weights: readonly WeightSpec[];
  readonly linears: readonly Linear[];
  /**
   * @param x the stream, [tokens, hidden], f32
   * @param states of the encoder, [source tokens, hidden]; null where the cache has what is needed of them
   * @returns the stream
   */
  apply(ctx: StepContext, x: Tensor, tokens: TokenBatch, masks: DecoderMasks, states: Tensor | null): Tensor;
}

export interface DecoderBlockParts {
  readonly path: string;
  readonly attention: SelfAttention;
  readonly crossAttention: CrossAttention;
  readonly mlp: Mlp;
  readonly beforeAttention: Norm;
  readonly beforeCrossAttention: Norm;
  readonly beforeMlp: Norm;
}

export function makeDecoderBlock(parts: DecoderBlockParts): DecoderBlock {
  const { path, attention, crossAttention, mlp, beforeAttention, beforeCrossAttention, beforeMlp } = parts;
  return {
    path,
    weights: [
      ...selfAttentionWeights(attention),
      ...crossAttentionWeights(crossAttention),
      ...mlp.weights,
      ...normWeights([beforeAttention, beforeCrossAttention, beforeMlp]),
    ],
    linears: [...selfAttentionLinears(attention), ...crossAttentionLinears(crossAttention), ...mlp.linears],
    apply(ctx, x, tokens, masks, states) {
      const first = readStream(ctx, x, beforeAttention);
      const own = applySelfAttention(ctx, first.input, attention, tokens, masks.own);
      const second = readStream(ctx, basics.addToStream(first.stream, own), beforeCrossAttention);
      const looked = applyCrossAttention(ctx, second.input, crossAttention, tokens, states, masks.source);
      const third = readStream(ctx, basics.addToStream(second.stream, looked), beforeMlp);
      return basics.addToStream(third.stream, mlp.apply(ctx, third.input));
    },
  };
}
