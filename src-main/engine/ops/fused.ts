/**
 * @file Chains of element-wise ops and sums over the last axis that run as one kernel where the runner can.
 *
 * What lies between the products of a step is bound by memory: each op of a chain reads and writes all of it. One kernel reads its inputs and
 * writes its results once, and computes in f32 in between, since that costs nothing there. Elsewhere the chain runs op by op in the dtype
 * of its inputs.
 */
import type { DType } from '../device/dtype.ts';
import * as raw from './primitives.ts';
import { type Chain, makeTensor, type Tensor } from './tensor.ts';

/**
 * @param outputs dtypes of the results
 * @param body sees the inputs in order, in f32 where they run as one kernel; may use sizes only as they are
 */
export function fused(inputs: readonly Tensor[], outputs: readonly DType[], body: Chain['body']): Tensor[] {
  const { runner } = inputs[0]!;
  const chain = joinChains(inputs, body);
  let shapes: Tensor[] = [];
  const ids = runner.fused(chain.inputs, (inner, values) => {
    const wide = chain.inputs.map(({ dtype, shape }, index) => {
      const value = makeTensor(inner, values[index]!, dtype, shape);
      return dtype === 'bfloat16' ? raw.cast(value, 'float32') : value;
    });
    return (shapes = chain.body(...wide).map((result, index) => narrowed(result, outputs[index]!)));
  });
  if (ids === null) return body(...inputs).map((result, index) => raw.cast(result, outputs[index]!));
  return ids.map((id, index) => makeTensor(runner, id, outputs[index]!, shapes[index]!.shape));
}

/**
 * As `fused`, for one result that will have one reader: where that is a kernel too, it does this work itself, and nothing is written and
 * read in between. What a graph then has no use for it does not run.
 */
export function fusedIntoReader(
  inputs: readonly Tensor[],
  dtype: DType,
  body: (...inputs: Tensor[]) => Tensor,
): Tensor {
  const [result] = fused(inputs, [dtype], (...given) => [body(...given)]) as [Tensor];
  return result.runner.fuses ? { ...result, chain: joinChains(inputs, (...given) => [body(...given)]) } : result;
}

/** The sum of tensors of one shape and dtype, left to the kernel that reads it. */
export function addInReader(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  return fusedIntoReader(parts, parts[0]!.dtype, (...given) => given.reduce((a, b) => raw.add(a, b)));
}

/** Bits of a bf16 value, the upper ones of an f32 one. */
export const HALF = 16;

/** In a kernel: what XLA makes of a cast to bf16 is twice as long. */
function narrowed(x: Tensor, dtype: DType): Tensor {
  if (x.dtype !== 'float32' || dtype !== 'bfloat16') return raw.cast(x, dtype);
  return fromBits(raw.bitwise('RightShift', roundedBits(x), HALF));
}

/** The bf16 value of the lower half of each word. */
export const fromBits = (words: Tensor): Tensor => raw.bitcast(raw.cast(words, 'uint16'), 'bfloat16');

/** Bits of f32 values, int32, whose upper half, as it stands, is the value in bf16: to the nearest, and to even between two. */
export function roundedBits(x: Tensor): Tensor {
  const bits = raw.bitcast(x, 'int32');
  const last = raw.bitwise('BitwiseAnd', raw.bitwise('RightShift', bits, HALF), 1);
  return raw.add(raw.add(bits, last), 0x7fff);
}

/** The body with the work before it that its inputs bring along. */
function joinChains(inputs: readonly Tensor[], body: Chain['body']): Chain {
  const chains = inputs.map((input) => input.chain ?? { inputs: [input], body: (value: Tensor) => [value] });
  return {
    inputs: chains.flatMap((chain) => chain.inputs),
    body(...values) {
      let end = 0;
      const own = chains.map((chain) => chain.body(...values.slice(end, (end += chain.inputs.length)))[0]!);
      return body(...own);
    },
  };
}
