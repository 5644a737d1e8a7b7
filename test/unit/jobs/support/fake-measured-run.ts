/** @file What a fake dry run says. */
import type { MeasuredRun } from '../../../../src-shared/domain/run-plan.ts';
import type { ResolvedRunConfig, RunConfig } from '../../../../src-shared/schema/run-config.ts';

export function fakeMeasuredRun(config: RunConfig): MeasuredRun {
  const part = {
    runtime_bytes: 1e6,
    weight_bytes: 2e6,
    cache_bytes: 0,
    trained_bytes: 3e6,
    activation_bytes: 4e6,
    answer_cache_bytes: 0,
    evaluation_bytes: 0,
  };
  return {
    plan: {
      config: config as ResolvedRunConfig,
      total_steps: 12,
      steps_per_epoch: 6,
      train_rows: 30,
      eval_rows: 3,
      supervised_tokens: 400,
      trainable_parameters: 1,
      total_parameters: 2,
      memory: {
        ...part,
        checkpointed_activation_bytes: 2e6,
        peak_bytes: 10e6,
        correction: 1,
        available_bytes: 8e9,
        checkpointing: false,
        fits: true,
        proposal: null,
      },
      checkpoint_bytes: 16,
      report: { files: [], rows: 30 } as unknown as MeasuredRun['plan']['report'],
    },
    engine: 'fake',
    peak_memory_bytes: 11e6,
    longest_step_ms: 20,
    step_ms: 10,
    evaluation_ms: 5,
    load_ms: 100,
    total_ms: 230,
  };
}
