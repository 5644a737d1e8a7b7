/**
 * @file A run at work as it is watched: where it is, how long it takes yet, and what it told, handed on in batches so that a fast run
 * does not flood the windows. Nothing is left out.
 */
import type { ActiveRunState, TimedRunEvent } from '../../src-shared/domain/run-views.ts';
import type { ActiveRun, EndWish } from './run-follower.ts';

export interface LiveRunListener {
  readonly onEvents: (run: string, events: readonly TimedRunEvent[]) => void;
  readonly onProgress: (state: ActiveRunState) => void;
}

export interface LiveRun {
  readonly active: ActiveRun;
  state(): ActiveRunState;
  take(event: TimedRunEvent): void;
  end(wish: EndWish): void;
  /** True once it has told its end, or was told to end: its process goes, and frees the device. */
  isEnding(): boolean;
  /** Hands on what is left. */
  close(): void;
}

const BATCH_MS = 100;
const PROGRESS_MS = 250;

export function createLiveRun(active: ActiveRun, name: string, listener: LiveRunListener): LiveRun {
  const pace = createPace();
  let state: ActiveRunState = {
    run: active.id,
    name,
    phase: 'Starting',
    phase_fraction: null,
    step: 0,
    total_steps: null,
    remaining_ms: null,
    ending: null,
  };
  let hasTold = false;
  let batch: TimedRunEvent[] = [];
  let batchTimer: NodeJS.Timeout | null = null;
  let progressTimer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (batchTimer) clearTimeout(batchTimer);
    batchTimer = null;
    if (batch.length > 0) listener.onEvents(active.id, batch);
    batch = [];
  }

  function change(changes: Partial<ActiveRunState>): void {
    state = { ...state, ...changes };
    progressTimer ??= setTimeout(() => {
      progressTimer = null;
      listener.onProgress(state);
    }, PROGRESS_MS);
  }

  function follow(event: TimedRunEvent): void {
    hasTold ||= event.event === 'result' || event.event === 'error';
    if (event.event === 'progress') change({ phase: event.phase, phase_fraction: event.fraction });
    if (event.event === 'start') {
      const { start_step: step, total_steps } = event;
      change({ phase: '', phase_fraction: null, step, total_steps });
    }
    if (event.event === 'step') {
      const { step } = event;
      const remaining_ms = pace.remainingMs(step, event.elapsed_ms, state.total_steps);
      change({ phase: '', phase_fraction: null, step, remaining_ms });
    }
  }

  listener.onProgress(state);
  return {
    active,
    state: () => state,
    take(event) {
      batch.push(event);
      batchTimer ??= setTimeout(flush, BATCH_MS);
      follow(event);
    },
    end(wish) {
      change({ ending: state.ending ?? wish });
      listener.onProgress(state);
      active.end(wish);
    },
    isEnding: () => hasTold || state.ending !== null,
    close() {
      flush();
      if (progressTimer) clearTimeout(progressTimer);
    },
  };
}

/** Time left from the steps of this session; the first one compiles and is left out. */
function createPace(): { remainingMs(step: number, elapsedMs: number, totalSteps: number | null): number | null } {
  let first: { step: number; elapsedMs: number } | null = null;
  return {
    remainingMs(step, elapsedMs, totalSteps) {
      first ??= { step, elapsedMs };
      const steps = step - first.step;
      if (totalSteps === null || steps <= 0) return null;
      return ((elapsedMs - first.elapsedMs) / steps) * Math.max(0, totalSteps - step);
    },
  };
}
