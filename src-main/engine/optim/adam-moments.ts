/**
 * @file What Adam and AdamW share: running means of the gradient and of its square, and the step that they give.
 * Source: Kingma & Ba 2015; the order of operations is that of torch.optim.
 */
import type { Variable } from '../device/runner.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { Bucket } from '../weights/trainables.ts';
import { type UpdateArguments, vectorSlot } from './optimizer.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export interface Moments {
  readonly slots: (bucket: Bucket) => readonly Variable[];
  readonly scalars: (step: number) => readonly number[];
  /** @param g gradient. @returns what is to be subtracted from the parameters, and the new state */
  readonly move: (args: UpdateArguments, g: Tensor) => { readonly move: Tensor; readonly state: readonly Tensor[] };
}

export function adamMoments({ beta1, beta2, epsilon }: AdamOptions): Moments {
  return {
    slots: (bucket) => [vectorSlot(bucket, 'exp_avg'), vectorSlot(bucket, 'exp_avg_sq')],
    scalars: (step) => [1 / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)],
    move({ state, lr, scalars }, g) {
      const [average, square] = state as [Tensor, Tensor];
      const [correction1, correction2] = scalars as [Tensor, Tensor];
      const nextAverage = raw.add(average, raw.multiply(raw.subtract(g, average), 1 - beta1));
      const nextSquare = raw.add(raw.multiply(square, beta2), raw.multiply(raw.square(g), 1 - beta2));
      const denominator = raw.add(raw.multiply(raw.sqrt(nextSquare), correction2), epsilon);
      const move = raw.divide(raw.multiply(nextAverage, raw.multiply(lr, correction1)), denominator);
      return { move, state: [nextAverage, nextSquare] };
    },
  };
}
