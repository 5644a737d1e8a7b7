/**
 * @file Chains of element-wise ops and sums over the last axis that run as one kernel where the runner can.
 *
 * What lies between the products of a step is bound by memory: each op of a chain reads and writes all of it. One kernel reads its inputs and
 * writes its results once, and computes in f32 in between, since that costs nothing there. Elsewhere the chain runs op by op in the dtype
 * of its inputs.
 */
import type { DType } from '../device/dtype.ts';
import * as raw from './primitives.ts';
import { makeTensor, type Tensor } from './tensor.ts';

/**
 * @param outputs dtypes of the results
 * @param body sees the inputs in order, in f32 where they run as one kernel; may use sizes only as they are
 */
export function fused(
  inputs: readonly Tensor[],
  outputs: readonly DType[],
  body: (...inputs: Tensor[]) => readonly Tensor[],
): Tensor[] {
  const { runner } = inputs[0]!;
  let shapes: Tensor[] = [];
  const ids = runner.fused(inputs, (inner, values) => {
    const wide = inputs.map(({ dtype, shape }, index) => {
      const value = makeTensor(inner, values[index]!, dtype, shape);
      return dtype === 'bfloat16' ? raw.cast(value, 'float32') : value;
    });
    return (shapes = body(...wide).map((result, index) => raw.cast(result, outputs[index]!)));
  });
  if (ids === null) return body(...inputs).map((result, index) => raw.cast(result, outputs[index]!));
  return ids.map((id, index) => makeTensor(runner, id, outputs[index]!, shapes[index]!.shape));
}
