/**
 * @file Two results in bf16 of one shape, from work that both need.
 *
 * XLA makes a kernel of each result, and what they share that is costly (exponentials, quotients) it first writes to memory in f32 for them. With
 * both results in one word of 32 bits the work is one kernel; a second one takes the words apart.
 */
import { fused } from './fused.ts';
import * as raw from './primitives.ts';
import type { Chain, Tensor } from './tensor.ts';

/** Bits of a bf16 value in a word. */
const HALF = 16;
const LOW_HALF = 0xffff;

/**
 * `fused` with two results in the dtype of the first input.
 * @param body gives two tensors of one shape
 */
export function fusedPair(inputs: readonly Tensor[], body: Chain['body']): Tensor[] {
  const { dtype, runner } = inputs[0]!;
  if (!runner.fuses || dtype !== 'bfloat16') return fused(inputs, [dtype, dtype], body);
  const [words] = fused(inputs, ['int32'], (...given) => {
    const [first, second] = body(...given).map(roundedBits) as [Tensor, Tensor];
    const high = raw.bitwise('BitwiseAnd', first, ~LOW_HALF);
    return [
      raw.bitwise('BitwiseOr', high, raw.bitwise('BitwiseAnd', raw.bitwise('RightShift', second, HALF), LOW_HALF)),
    ];
  });
  const half = (bits: Tensor): Tensor => raw.bitcast(raw.cast(bits, 'uint16'), dtype);
  return fused([words!], [dtype, dtype], (word) => [half(raw.bitwise('RightShift', word, HALF)), half(word)]);
}

/** f32 whose upper half, as it stands, is the value in bf16: to the nearest, and to even between two. Its bits, int32. */
function roundedBits(x: Tensor): Tensor {
  const bits = raw.bitcast(x, 'int32');
  const last = raw.bitwise('BitwiseAnd', raw.bitwise('RightShift', bits, HALF), 1);
  return raw.add(raw.add(bits, last), LOW_HALF >> 1);
}
