/**
 * @file What the parts of the training loop share.
 */
import type { FineTuneOptions } from './contract.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { RunProgress } from './run-progress.ts';
import type { TrainingSession } from './training-session.ts';

export interface LoopOptions {
  readonly options: FineTuneOptions;
  readonly run: PreparedRun;
  readonly session: TrainingSession;
  /** Changed as the run goes on. */
  readonly progress: RunProgress;
}
