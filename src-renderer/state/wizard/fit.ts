/**
 * @file Whether a model fits this machine, before anything else is chosen: with the usual settings.
 */
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import { EMPTY_DRAFT } from './draft.ts';
import { estimateMemory, type MemoryEstimate } from './estimate.ts';
import { makePlan } from './plan.ts';

export function judgeFit(model: ModelDetails, engine: EngineStatus | null): MemoryEstimate['verdict'] | 'unknown' {
  if (engine === null) return 'unknown';
  const frugal = {
    ...EMPTY_DRAFT,
    config: { ...EMPTY_DRAFT.config, training: { per_device_train_batch_size: 1, gradient_checkpointing: true } },
  };
  return estimateMemory(makePlan(frugal, { model, report: null }), model, engine).verdict;
}
