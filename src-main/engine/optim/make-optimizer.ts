/**
 * @file The optimizer that a configuration names.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { makeAdamW } from './adamw.ts';
import type { Optimizer } from './optimizer.ts';

/** @throws config/invalid for an optimizer that the engine does not have */
export function makeOptimizer(training: TrainingConfig): Optimizer {
  const { optim, adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: epsilon } = training;
  if (optim === 'adamw') return makeAdamW({ beta1, beta2, epsilon });
  throw new AppError('config/invalid', `training.optim: ${optim} is not available`, {
    hint: 'Use adamw.',
    faults: [{ field: 'training.optim', message: `${optim} is not available` }],
  });
}
