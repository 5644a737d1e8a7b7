/**
 * @file Dry runs: what a run takes on this machine, measured while nothing else trains. A run that starts ends them.
 */
import type { MeasuredRun } from '../../src-shared/domain/run-plan.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { makePathsAbsolute } from './config-edit.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import type { JobRunner } from './job-runner.ts';
import { readMemoryCorrection } from './memory-correction.ts';
import { takeTrainingDevice } from './training-device.ts';

export interface DryRunService {
  /**
   * Loads the model and steps over the longest rows; writes nothing.
   * @throws device/busy while a run trains, memory/exhausted, everything that a run can be refused for; Interrupted where it was ended
   */
  measure(config: RunConfig, following?: JobFollowing): Promise<MeasuredRun>;
  isBusy(): boolean;
  /** Ends those at work and waits until the device is free. */
  endAll(): Promise<void>;
}

export interface DryRunServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
}

export function createDryRunService({ home, history, jobs }: DryRunServiceOptions): DryRunService {
  const working = new Map<AbortController, Promise<unknown>>();

  async function work(config: RunConfig, signal: AbortSignal, onEvent: JobFollowing['onEvent']): Promise<MeasuredRun> {
    const absolute = makePathsAbsolute(config, process.cwd());
    const correction = await readMemoryCorrection(history, absolute);
    const device = await takeTrainingDevice({ home, onWait: null, signal });
    try {
      const request = { config: absolute, correction };
      const job = await jobs.start('dryRun', request, { onEvent });
      // There is nothing to save, and a step that is being computed does not listen.
      const kill = () => job.kill();
      signal.addEventListener('abort', kill);
      if (signal.aborted) kill();
      return await job.result.finally(() => signal.removeEventListener('abort', kill));
    } finally {
      await device.release();
    }
  }

  return {
    async measure(config, { signal, onEvent } = {}) {
      const ending = new AbortController();
      const signals = signal ? [signal, ending.signal] : [ending.signal];
      const measured = work(config, AbortSignal.any(signals), onEvent);
      working.set(ending, measured);
      return measured.finally(() => working.delete(ending));
    },
    isBusy: () => working.size > 0,
    async endAll() {
      for (const ending of working.keys()) ending.abort();
      await Promise.allSettled(working.values());
    },
  };
}
