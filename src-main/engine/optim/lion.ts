/**
 * @file Lion: steps of one size, in the direction of the sign of an interpolated momentum; decoupled weight decay.
 * Source: Chen et al. 2023, algorithm 2.
 */
import * as raw from '../ops/primitives.ts';
import { type Optimizer, vectorSlot } from './optimizer.ts';
import { shrink } from './weight-decay.ts';

export interface LionOptions {
  readonly beta1: number;
  readonly beta2: number;
}

export function makeLion({ beta1, beta2 }: LionOptions): Optimizer {
  return {
    isElementwise: true,
    slots: (bucket) => [vectorSlot(bucket, 'exp_avg')],
    scalars: () => [],
    update(args) {
      const { g, lr } = args;
      const average = args.state[0]!;
      const direction = raw.sign(raw.add(raw.multiply(average, beta1), raw.multiply(g, 1 - beta1)));
      const next = raw.add(raw.multiply(average, beta2), raw.multiply(g, 1 - beta2));
      return { p: raw.subtract(shrink(args), raw.multiply(direction, lr)), state: [next] };
    },
  };
}
