/**
 * @file Dry runs: what a run takes on this machine, measured while nothing else trains.
 */
import type { MeasuredRun } from '../../src-shared/domain/run-plan.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { makePathsAbsolute } from './config-edit.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import { followDisposable, type JobRunner } from './job-runner.ts';
import { readMemoryCorrection } from './memory-correction.ts';
import { takeTrainingDevice } from './training-device.ts';

export interface DryRunService {
  /**
   * Loads the model and steps over the longest rows; writes nothing.
   * @throws device/busy while a run trains, memory/exhausted, everything that a run can be refused for; Interrupted where it was ended
   */
  measure(config: RunConfig, following?: JobFollowing): Promise<MeasuredRun>;
}

export interface DryRunServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
}

export function createDryRunService({ home, history, jobs }: DryRunServiceOptions): DryRunService {
  return {
    async measure(config, { signal, onEvent } = {}) {
      const absolute = makePathsAbsolute(config, process.cwd());
      const correction = await readMemoryCorrection(history, absolute);
      const device = await takeTrainingDevice({ home, onWait: null, signal });
      try {
        const request = { config: absolute, correction };
        const job = await jobs.start('dryRun', request, { onEvent });
        return await followDisposable(job, signal);
      } finally {
        await device.release();
      }
    },
  };
}
