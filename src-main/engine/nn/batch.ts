/**
 * @file What a forward pass gets besides weights: tokens, where they stand, and the tables that depend on length.
 */
import type { Dim } from '../device/dim.ts';
import * as basics from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { StepContext } from './step-context.ts';

/** Keys and values of earlier tokens, one entry per layer. */
export interface KeyValueCache {
  /**
   * Appends this step's keys and values ([batch, kvHeads, seq, headDim]).
   * @returns all of them
   */
  extend(layer: number, own: KeysAndValues): KeysAndValues;
  /** Encoder-decoders: keys and values of the source for a layer of the decoder, made with the first token and kept from then on. */
  source(layer: number, make: () => KeysAndValues): KeysAndValues;
}

/** Each [batch, kvHeads, keys, headDim]. */
export interface KeysAndValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** [batch, seq, heads, headDim] -> [batch, heads, seq, headDim] */
export const headsFirst = (x: Tensor): Tensor => basics.transpose(x, [0, 2, 1, 3]);

/** What an encoder-decoder reads before it writes; all else in its batch is the decoder's. */
export interface SourceBatch {
  readonly seq: Dim;
  /** int32 [batch, seq]; null once the cache holds what the decoder needs of them. */
  readonly ids: Tensor | null;
  /** int32 [batch, seq]; example number within the row, the same as in the decoder's row, 0 = padding. */
  readonly segments: Tensor;
}

export interface TokenBatch {
  readonly batch: Dim;
  readonly seq: Dim;
  /** Keys that each query may look at: `seq`, or more with a cache. */
  readonly keys: Dim;
  /** int32 [batch, seq] */
  readonly ids: Tensor;
  /** int32 [batch, seq]; restart with each packed example. */
  readonly positions: Tensor;
  /** int32 [batch, seq]; example number within the row, 0 = padding. */
  readonly segments: Tensor;
  /** int32 [batch, keys] */
  readonly keyPositions: Tensor;
  /** int32 [batch, keys] */
  readonly keySegments: Tensor;
  /** Tables by name (rotary cosines and sines), f32 [positions, width]. */
  readonly tables: Readonly<Record<string, Tensor>>;
  readonly cache: KeyValueCache | null;
  /** Pieces that attention may be computed in; more than 1 only where keys are the queries' own and masks causal. */
  readonly parts: number;
  /** null unless the model is an encoder-decoder. */
  readonly source: SourceBatch | null;
}

/** Large enough to vanish in a softmax, small enough for bf16 sums. */
const BLOCKED = -1e9;

/**
 * Additive mask [batch, 1, seq, keys]: a token sees the tokens of its own segment up to its own position.
 * @param window sliding window: only the last `window` positions; null = all.
 */
export function causalMask(ctx: StepContext, tokens: TokenBatch, window: number | null = null): Tensor {
  const { batch, seq, keys } = tokens;
  const asQuery = (x: Tensor): Tensor => raw.reshape(x, [batch, 1, seq, 1]);
  const asKey = (x: Tensor): Tensor => raw.reshape(x, [batch, 1, 1, keys]);
  return ctx.runner.scope(
    () => {
      const queryPositions = asQuery(tokens.positions);
      const keyPositions = asKey(tokens.keyPositions);
      const sameSegment = raw.compare('Equal', asQuery(tokens.segments), asKey(tokens.keySegments));
      let allowed = raw.logicalAnd(sameSegment, raw.compare('LessEqual', keyPositions, queryPositions));
      if (window !== null) {
        const oldest = raw.subtract(queryPositions, window);
        allowed = raw.logicalAnd(allowed, raw.compare('Greater', keyPositions, oldest));
      }
      return maskFrom(ctx, allowed);
    },
    (mask) => [mask.id],
  );
}

/** Additive mask of encoders, [batch, 1, seq, keys]: every token sees every token of its own segment. */
export function segmentMask(ctx: StepContext, tokens: TokenBatch): Tensor {
  return maskBySegments(ctx, tokens, tokens.keySegments, tokens.keys);
}

/** Additive mask of a decoder's look at its source, [batch, 1, seq, source seq]: an answer sees the whole of what it answers. */
export function sourceMask(ctx: StepContext, tokens: TokenBatch): Tensor {
  const { segments, seq } = tokens.source!;
  return maskBySegments(ctx, tokens, segments, seq);
}

function maskBySegments(
  ctx: StepContext,
  { batch, seq, segments }: TokenBatch,
  keySegments: Tensor,
  keys: Dim,
): Tensor {
  return ctx.runner.scope(
    () => {
      const queries = raw.reshape(segments, [batch, 1, seq, 1]);
      return maskFrom(ctx, raw.compare('Equal', queries, raw.reshape(keySegments, [batch, 1, 1, keys])));
    },
    (mask) => [mask.id],
  );
}

function maskFrom(ctx: StepContext, allowed: Tensor): Tensor {
  const { runner, compute } = ctx;
  return raw.select(allowed, raw.scalar(runner, 0, compute), raw.scalar(runner, BLOCKED, compute));
}
