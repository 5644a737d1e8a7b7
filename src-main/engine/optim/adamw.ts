/**
 * @file Adam with decoupled weight decay: torch.optim.AdamW. Source: Loshchilov & Hutter 2019.
 */
import * as raw from '../ops/primitives.ts';
import { adamMoments, type AdamOptions } from './adam-moments.ts';
import type { Optimizer } from './optimizer.ts';
import { shrink } from './weight-decay.ts';

export function makeAdamW(options: AdamOptions): Optimizer {
  const moments = adamMoments(options);
  return {
    isElementwise: true,
    slots: moments.slots,
    scalars: moments.scalars,
    update(args) {
      const { move, state } = moments.move(args, args.g);
      return { p: raw.subtract(shrink(args), move), state };
    },
  };
}
