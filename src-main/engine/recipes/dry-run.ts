/**
 * @file Two steps over the longest rows before a run begins: what does not fit into memory shows at once, not after an hour.
 *
 * The loss is multiplied by NaN, and a step without a usable gradient changes nothing (train-step.ts): parameters, optimizer state and
 * added-up gradients are bit for bit what they were.
 */
import { buildBatch } from '../data/batches.ts';
import { countLabels, lengthOf } from '../data/lengths.ts';
import { hyperArray } from '../steps/train-step.ts';
import { largestPackedRows } from './largest-rows.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { TrainingSession } from './training-session.ts';

/** @returns the highest resident memory of this process, bytes. @throws what the engine throws where memory runs out */
export function dryRun(session: TrainingSession, run: PreparedRun): number {
  for (const rows of largestBatches(run)) stepWithoutEffect(session, run, rows);
  return process.resourceUsage().maxRSS * 1024;
}

/** The batch with the longest rows, and the one with the most labels. */
function largestBatches({ data, config }: PreparedRun): number[][][] {
  const { per_device_train_batch_size: batch } = config.training;
  return [lengthOf, countLabels].map((size) => {
    const sizes = data.train.map(size);
    if (config.data.packing) {
      return largestPackedRows(data.train.map(lengthOf), config.data.max_length, sizes).slice(0, batch);
    }
    const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
    return order.slice(0, batch).map((example) => [example]);
  });
}

/** One step, or one batch of those that are added up to one. @param rows examples of each row */
export function stepWithoutEffect(
  session: TrainingSession,
  run: PreparedRun,
  rows: readonly (readonly number[])[],
): void {
  const { program, optimizer, steps } = session;
  const batch = buildBatch(run.data.train, rows, { ...run.task.batching, maxLength: run.config.data.max_length });
  const inputs = steps.train.arrays(batch, NaN);
  const { sizes } = inputs;
  const arrays = { ...inputs.arrays, seed: Int32Array.of(0) };
  const hyper = hyperArray(optimizer, 1, 0, 0);
  if (run.config.training.gradient_accumulation_steps === 1) {
    program.call('train', sizes, { ...arrays, hyper });
  } else {
    program.call('accumulate', sizes, arrays);
    program.call('apply', {}, { hyper });
  }
}
