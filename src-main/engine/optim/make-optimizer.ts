/**
 * @file The optimizer that a configuration names.
 */
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { makeAdafactor } from './adafactor.ts';
import { makeAdam } from './adam.ts';
import { makeAdamW } from './adamw.ts';
import { makeLion } from './lion.ts';
import type { Optimizer } from './optimizer.ts';
import { makeSgd } from './sgd.ts';

/** Lion takes its betas from Adam's settings, as Hugging Face's Trainer does; Adafactor has none. */
export function makeOptimizer(training: TrainingConfig): Optimizer {
  const { optim, momentum, adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: epsilon } = training;
  switch (optim) {
    case 'adamw':
      return makeAdamW({ beta1, beta2, epsilon });
    case 'adam':
      return makeAdam({ beta1, beta2, epsilon });
    case 'sgd':
      return makeSgd({ momentum });
    case 'lion':
      return makeLion({ beta1, beta2 });
    case 'adafactor':
      return makeAdafactor();
  }
}
