/**
 * @file A run as it would be, worked out before anything is loaded: every setting, the steps, the tokens, the memory.
 */
import type { ResolvedRunConfig } from '../schema/run-config.ts';
import type { DataReport } from './data-report.ts';

export interface PlannedMemory {
  /** Frozen weights as they are stored on the device. */
  readonly weight_bytes: number;
  /** Trained values, their gradients and the optimizer's state. */
  readonly trained_bytes: number;
  /** What a step keeps for its backward pass; errs on the large side. */
  readonly activation_bytes: number;
  /** The same with gradient checkpointing. */
  readonly checkpointed_activation_bytes: number;
}

export interface RunPlan {
  /** Every gap filled as the engine would fill it. */
  readonly config: ResolvedRunConfig;
  readonly total_steps: number;
  /** Optimizer steps of one epoch. */
  readonly steps_per_epoch: number;
  readonly train_rows: number;
  readonly eval_rows: number;
  /** Tokens with a label in one epoch. */
  readonly supervised_tokens: number;
  readonly trainable_parameters: number;
  readonly total_parameters: number;
  readonly memory: PlannedMemory;
  /** Disk that one checkpoint takes. */
  readonly checkpoint_bytes: number;
  /** What was found in the data on the way. */
  readonly report: DataReport;
}
