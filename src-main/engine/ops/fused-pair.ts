/**
 * @file Two results of one shape, from work that both need.
 *
 * XLA makes a kernel of each result, and what they share that is costly (exponentials, quotients) it first writes to memory in f32 for them. In
 * bf16 both results go in one word of 32 bits, so that the work is one kernel; a second one takes the words apart. In f32 that would be
 * no less to write, so each result is a function of its own, which does the shared work again.
 */
import { fromBits, fused, HALF, roundedBits } from './fused.ts';
import * as raw from './primitives.ts';
import type { Chain, Tensor } from './tensor.ts';

const LOW_HALF = 0xffff;

/**
 * `fused` with two results in the dtype of the first input.
 * @param body gives two tensors of one shape
 */
export function fusedPair(inputs: readonly Tensor[], body: Chain['body']): Tensor[] {
  const { dtype, runner } = inputs[0]!;
  if (!runner.fuses) return fused(inputs, [dtype, dtype], body);
  if (dtype !== 'bfloat16')
    return [0, 1].flatMap((one) => fused(inputs, [dtype], (...given) => [body(...given)[one]!]));
  const [words] = fused(inputs, ['int32'], (...given) => {
    const [first, second] = body(...given).map(roundedBits) as [Tensor, Tensor];
    const high = raw.bitwise('BitwiseAnd', first, ~LOW_HALF);
    return [
      raw.bitwise('BitwiseOr', high, raw.bitwise('BitwiseAnd', raw.bitwise('RightShift', second, HALF), LOW_HALF)),
    ];
  });
  return fused([words!], [dtype, dtype], (word) => [fromBits(raw.bitwise('RightShift', word, HALF)), fromBits(word)]);
}
