/**
 * @file The two ways in which weight decay enters a step: as part of the gradient (L2), or apart from it.
 */
import * as raw from '../ops/primitives.ts';
import type { UpdateArguments } from './optimizer.ts';

/** Coupled: g + decay * p, as torch.optim.Adam and SGD do. */
export function addDecay({ p, g, weightDecay }: UpdateArguments): UpdateArguments['g'] {
  return weightDecay === 0 ? g : raw.add(g, raw.multiply(p, weightDecay));
}

/** Decoupled: p - lr * decay * p (Loshchilov & Hutter 2019). */
export function shrink({ p, lr, weightDecay }: UpdateArguments): UpdateArguments['p'] {
  return weightDecay === 0 ? p : raw.subtract(p, raw.multiply(p, raw.multiply(lr, weightDecay)));
}
