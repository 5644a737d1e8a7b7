/**
 * @file Interactive work that wants the device for itself: dry runs, reports, evaluations. It goes before what waits in the queue, gives
 * way to a run that is started meanwhile, and can have the run at work paused for its time.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';

/** The training that may have to make room. */
export interface DeviceTraining {
  /** The run at work in this process, null without one. */
  atWork(): { readonly run: string; readonly name: string } | null;
  /** Saves it and frees its memory. */
  pause(run: string): Promise<void>;
  /** Resumes it. Nobody waits for this: it tells by itself what goes wrong. */
  goOn(run: string): void;
  /** It was paused for work that was then ended by another run's start. */
  stayPaused(name: string): void;
}

export interface LendOptions {
  /** False: refused while a run is at work. */
  readonly pauseRunning: boolean;
  readonly signal: AbortSignal;
}

export interface DeviceLoans {
  /** @throws device/busy while a run is at work that is not to be paused, and what the work throws */
  lend<Result>(options: LendOptions, work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  isLent(): boolean;
  /**
   * Ends all such work and waits until the device is free. What was paused for it stays so.
   * @param resumed a run that is about to go on: nobody need be told that it stays paused
   */
  callIn(resumed?: string): Promise<void>;
}

export function createDeviceLoans(training: DeviceTraining): DeviceLoans {
  const lent = new Map<AbortController, Promise<unknown>>();
  let resuming: string | null = null;

  async function makeRoom(pauseRunning: boolean): Promise<{ readonly run: string; readonly name: string } | null> {
    const run = training.atWork();
    if (run === null) return null;
    if (!pauseRunning) {
      throw new AppError('device/busy', `"${run.name}" is training`, { hint: 'Wait until it has ended, or pause it.' });
    }
    await training.pause(run.run);
    return run;
  }

  async function work<Result>(
    { pauseRunning, signal }: LendOptions,
    calledIn: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const paused = await makeRoom(pauseRunning);
    try {
      return await work(AbortSignal.any([signal, calledIn]));
    } finally {
      if (paused && !calledIn.aborted) training.goOn(paused.run);
      else if (paused && paused.run !== resuming) training.stayPaused(paused.name);
    }
  }

  return {
    lend(options, wanted) {
      const ending = new AbortController();
      const working = work(options, ending.signal, wanted);
      lent.set(ending, working);
      return working.finally(() => lent.delete(ending));
    },
    isLent: () => lent.size > 0,
    async callIn(resumed) {
      resuming = resumed ?? null;
      for (const ending of lent.keys()) ending.abort();
      await Promise.allSettled(lent.values());
      resuming = null;
    },
  };
}
