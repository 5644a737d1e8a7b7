/**
 * @file ALiBi: instead of rotated queries and keys, scores grow with the key's position, each head with a slope of its own.
 * Source: Press et al. 2022; Hugging Face's build_alibi_tensor of Falcon, which computes slopes and products in bf16.
 */
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { causalMask, type TokenBatch } from './batch.ts';
import type { StepContext } from './step-context.ts';

/**
 * Causal mask and slopes in one, [batch, heads, seq, keys], compute dtype.
 * @param factor what scores are multiplied with, the slopes too
 */
export function alibiMask(ctx: StepContext, tokens: TokenBatch, heads: number, factor: number): Tensor {
  const { batch, keys } = tokens;
  const slopes = Float32Array.from(alibiSlopes(heads));
  return ctx.runner.scope(
    () => {
      const mask = causalMask(ctx, tokens);
      const perHead = raw.cast(raw.constant(ctx.runner, slopes, 'float32', [1, heads, 1, 1]), 'bfloat16');
      const positions = raw.cast(raw.reshape(tokens.keyPositions, [batch, 1, 1, keys]), 'bfloat16');
      const bias = raw.multiply(raw.cast(raw.multiply(positions, perHead), 'float32'), factor);
      return raw.add(mask, raw.cast(bias, ctx.compute));
    },
    (mask) => [mask.id],
  );
}

/** Powers of 2 ** (-8 / n) for n heads; where n is no power of two, every second slope of twice as many heads fills up. */
export function alibiSlopes(heads: number): number[] {
  const whole = 2 ** Math.floor(Math.log2(heads));
  const first = Array.from({ length: whole }, (_, head) => 2 ** ((-8 * (head + 1)) / whole));
  const rest = Array.from({ length: heads - whole }, (_, head) => 2 ** ((-8 * (2 * head + 1)) / (2 * whole)));
  return [...first, ...rest];
}
