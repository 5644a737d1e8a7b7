/**
 * @file A dry run from the terminal: what the run would take, measured.
 */
import type { MeasuredRun } from '../../src-shared/domain/run-plan.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import type { Services } from '../services/create-services.ts';
import type { CommandContext } from './context.ts';
import { formatBytes, formatDuration, formatTable } from './format.ts';
import { reportWork } from './report-work.ts';

export async function measureTraining(
  { reporter, signal }: CommandContext,
  services: Services,
  config: RunConfig,
): Promise<void> {
  const measured = await services.dryRuns.measure(config, { signal, onEvent: reportWork(reporter) });
  const { plan, ...figures } = measured;
  const { total_steps, steps_per_epoch, train_rows, eval_rows, supervised_tokens, trainable_parameters, memory } = plan;
  const about = { total_steps, steps_per_epoch, train_rows, eval_rows, supervised_tokens, trainable_parameters };
  reporter.result(
    { ...figures, ...about, predicted_memory_bytes: memory.peak_bytes, checkpoint_bytes: plan.checkpoint_bytes },
    describeMeasured(measured),
  );
}

function describeMeasured({ plan, ...measured }: MeasuredRun): string {
  const rows = [
    ['Peak memory', `${formatBytes(measured.peak_memory_bytes)} of ${formatBytes(plan.memory.available_bytes)} free`],
    ['A step', formatStep(measured.step_ms)],
    ['The longest rows', formatStep(measured.longest_step_ms)],
    ['Trained tokens in an epoch', plan.supervised_tokens.toLocaleString('en')],
    ['Disk for a checkpoint', formatBytes(plan.checkpoint_bytes)],
  ];
  const total = `about ${formatDuration(measured.total_ms)} for ${plan.total_steps} steps`;
  return `${formatTable(['Time', total], rows)}\n\nNothing was written (${measured.engine}).`;
}

function formatStep(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
