/**
 * @file Adam with weight decay as part of the gradient: torch.optim.Adam.
 */
import * as raw from '../ops/primitives.ts';
import { adamMoments, type AdamOptions } from './adam-moments.ts';
import type { Optimizer } from './optimizer.ts';
import { addDecay } from './weight-decay.ts';

export function makeAdam(options: AdamOptions): Optimizer {
  const moments = adamMoments(options);
  return {
    isElementwise: true,
    slots: moments.slots,
    scalars: moments.scalars,
    update(args) {
      const { move, state } = moments.move(args, addDecay(args));
      return { p: raw.subtract(args.p, move), state };
    },
  };
}
