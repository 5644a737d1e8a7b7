/**
 * @file Learning-rate schedules under Hugging Face's names. Source: transformers.optimization (formulas and defaults).
 */
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';

/** Learning rate of the optimizer step that comes after `done` steps. */
export type Schedule = (done: number) => number;

/** @param totalSteps optimizer steps of the whole run */
export function makeSchedule(training: TrainingConfig, totalSteps: number): Schedule {
  const {
    learning_rate: rate,
    lr_scheduler_type: type,
    lr_scheduler_kwargs: extra,
    warmup_ratio,
    warmup_steps,
  } = training;
  const warmup = warmup_steps > 0 ? warmup_steps : Math.ceil(totalSteps * warmup_ratio);
  const progress = (step: number): number => (step - warmup) / Math.max(1, totalSteps - warmup);
  const afterWarmup = (decay: (step: number) => number): Schedule => {
    return (step) => rate * (step < warmup ? step / Math.max(1, warmup) : decay(step));
  };
  switch (type) {
    case 'constant':
      return () => rate;
    case 'constant_with_warmup':
      return afterWarmup(() => 1);
    case 'linear':
      return afterWarmup((step) => Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmup)));
    case 'cosine': {
      const cycles = extra['num_cycles'] ?? 0.5;
      return afterWarmup((step) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress(step)))));
    }
    case 'cosine_with_restarts': {
      const cycles = extra['num_cycles'] ?? 1;
      return afterWarmup((step) =>
        progress(step) >= 1 ? 0 : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * ((cycles * progress(step)) % 1)))),
      );
    }
    case 'polynomial': {
      const end = extra['lr_end'] ?? 1e-7;
      const power = extra['power'] ?? 1;
      return afterWarmup((step) =>
        step > totalSteps ? end / rate : ((rate - end) * (1 - progress(step)) ** power + end) / rate,
      );
    }
    case 'inverse_sqrt': {
      const timescale = extra['timescale'] ?? (warmup || 10_000);
      const shift = timescale - warmup;
      return afterWarmup((step) => 1 / Math.sqrt((step + shift) / timescale));
    }
  }
}
