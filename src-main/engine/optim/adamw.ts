/**
 * @file Adam with decoupled weight decay. Sources: Kingma & Ba 2015; Loshchilov & Hutter 2019; the order of operations is that of
 * torch.optim.AdamW.
 */
import * as raw from '../ops/primitives.ts';
import { type Optimizer, vectorSlot } from './optimizer.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export function makeAdamW({ beta1, beta2, epsilon }: AdamOptions): Optimizer {
  return {
    slots: (bucket) => [vectorSlot(bucket, 'exp_avg'), vectorSlot(bucket, 'exp_avg_sq')],
    scalars: (step) => [1 / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step)],
    update({ p, g, state, lr, scalars, weightDecay }) {
      const [average, square] = state as [typeof p, typeof p];
      const [correction1, correction2] = scalars as [typeof p, typeof p];
      const nextAverage = raw.add(average, raw.multiply(raw.subtract(g, average), 1 - beta1));
      const nextSquare = raw.add(raw.multiply(square, beta2), raw.multiply(raw.square(g), 1 - beta2));
      const denominator = raw.add(raw.multiply(raw.sqrt(nextSquare), correction2), epsilon);
      const move = raw.divide(raw.multiply(nextAverage, raw.multiply(lr, correction1)), denominator);
      const shrunk = weightDecay === 0 ? p : raw.subtract(p, raw.multiply(p, raw.multiply(lr, weightDecay)));
      return { p: raw.subtract(shrunk, move), state: [nextAverage, nextSquare] };
    },
  };
}
