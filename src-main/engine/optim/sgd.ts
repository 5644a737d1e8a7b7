/**
 * @file Stochastic gradient descent, with momentum where it is not 0: torch.optim.SGD without dampening.
 */
import * as raw from '../ops/primitives.ts';
import { type Optimizer, vectorSlot } from './optimizer.ts';
import { addDecay } from './weight-decay.ts';

export function makeSgd({ momentum }: { readonly momentum: number }): Optimizer {
  return {
    isElementwise: true,
    slots: (bucket) => (momentum === 0 ? [] : [vectorSlot(bucket, 'momentum_buffer')]),
    scalars: () => [],
    update(args) {
      const { p, lr, state } = args;
      const g = addDecay(args);
      const [past] = state;
      const direction = past ? raw.add(raw.multiply(past, momentum), g) : g;
      return { p: raw.subtract(p, raw.multiply(direction, lr)), state: past ? [direction] : [] };
    },
  };
}
