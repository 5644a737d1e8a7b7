/**
 * @file How a run goes on that was saved: exactly as it was where nothing was changed, and as the person wants it where settings were.
 */
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { makeNotice, type Told } from '../../../src-shared/domain/notices.ts';
import { chooseExecution } from './choose-execution.ts';
import type { EngineHost } from './contract.ts';
import type { Execution } from './execution.ts';
import { type Engine, isOnGpu } from './open-engine.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { RunProgress, RunState } from './run-progress.ts';

/** The checkpointing that a resumed run has: as it was saved, unless the person has set it. */
export function resumedCheckpointing({ config }: PreparedRun, { execution }: RunState): boolean {
  const { gradient_checkpointing: wanted } = config.training;
  return wanted === 'auto' ? execution.checkpointing : wanted;
}

/** The shards of a resumed run: as it was saved, but none where batches have fewer rows now. */
export function resumedShards({ config }: PreparedRun, { execution }: RunState): number {
  return config.training.per_device_train_batch_size < execution.shards ? 1 : execution.shards;
}

/**
 * The choices of the saved run. Pieces of the loss may become more and expanded copies fewer: neither changes a run whose settings are
 * the same, since the first follow from settings and data, and a copy has the values that it is a copy of.
 */
export function resumeExecution(
  saved: RunState,
  run: PreparedRun,
  engine: Engine,
  memory: PlannedMemory,
  host: EngineHost,
): Execution {
  const { execution, progress } = saved;
  const now = chooseExecution(run, execution.mode, memory, {
    isGpu: isOnGpu(engine),
    shards: resumedShards(run, saved),
  });
  const resumed: Execution = {
    mode: execution.mode,
    checkpointing: resumedCheckpointing(run, saved),
    chunks: Math.max(execution.chunks, now.chunks),
    eval_chunks: Math.max(execution.eval_chunks, now.eval_chunks),
    attention_parts: Math.min(execution.attention_parts, now.attention_parts),
    kept_bytes: Math.min(execution.kept_bytes, now.kept_bytes),
    folded: execution.folded && now.folded,
    fused: execution.fused && !isOnGpu(engine),
    shards: now.shards,
  };
  if (execution.mode === 'eager' || engine.binding !== null) return resumed;
  const message = `The run began on another engine and goes on with ${engine.name}, which is slower and rounds differently.`;
  const notice = makeNotice('engine/changed', { engine: engine.name }, message);
  host.report({ event: 'notice', step: progress.step, ...notice });
  return { ...resumed, mode: 'eager' };
}

/**
 * Fits the place in the epoch to batches that may have another size than they had.
 * @returns what to tell the person, null where they have the same
 */
export function planSampler(progress: RunProgress, batchesPerEpoch: number): Told<'train/epoch-changed'> | null {
  const { batches_per_epoch: before, sampler } = progress;
  progress.batches_per_epoch = batchesPerEpoch;
  const planned = before ?? Math.max(batchesPerEpoch, sampler.batch + 1);
  if (planned === batchesPerEpoch) return null;
  const batch = Math.min(batchesPerEpoch - 1, Math.floor((sampler.batch / planned) * batchesPerEpoch));
  progress.sampler = { ...sampler, batch };
  const message = `An epoch had ${planned} batches and now has ${batchesPerEpoch}; this one goes on at the same share of its rows.`;
  return makeNotice('train/epoch-changed', { before: planned, now: batchesPerEpoch }, message);
}
