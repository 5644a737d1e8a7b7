/**
 * @file A run as it would be, worked out before anything is loaded: every setting, the steps, the tokens, the memory.
 */
import type { ResolvedRunConfig } from '../schema/run-config.ts';
import type { DataReport } from './data-report.ts';

/** Estimates, in bytes. */
export interface PlannedMemory {
  /** Node, TensorFlow and the compiled step. */
  readonly runtime_bytes: number;
  /** Frozen weights as they are stored on the device. */
  readonly weight_bytes: number;
  /** Expanded copies of quantized weights, kept where there is room. */
  readonly cache_bytes: number;
  /** Trained values, their gradients and the optimizer's state. */
  readonly trained_bytes: number;
  /** Keys and values of answers that are written between the steps. */
  readonly answer_cache_bytes: number;
  /** What a step keeps for its backward pass, and the logits. */
  readonly activation_bytes: number;
  /** The same with gradient checkpointing. */
  readonly checkpointed_activation_bytes: number;
  /** What evaluations and answers take in turn with the steps; 0 = nothing is held out. */
  readonly evaluation_bytes: number;
  /** The most of it at a time, as the run would be, corrected by what earlier runs took. */
  readonly peak_bytes: number;
  /** What earlier runs on this machine took over what was estimated; 1 = no run yet. */
  readonly correction: number;
  /** What this machine can give now. */
  readonly available_bytes: number;
  /** Whether the run would use gradient checkpointing. */
  readonly checkpointing: boolean;
  readonly fits: boolean;
  /** `wasm` where not the machine but what the wasm engine can address is the limit. */
  readonly limit?: 'wasm';
  /** Where it does not fit: the least harmful change with which it does; null where none does. */
  readonly proposal: MemoryProposal | null;
}

export interface MemoryProposal {
  /** Setting -> value, as `--set` takes them. */
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  readonly peak_bytes: number;
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

/** What a run takes, measured by a few steps of which nothing is kept. */
export interface MeasuredRun {
  readonly plan: RunPlan;
  /** For people: `TensorFlow 2.21.0, CPU`. */
  readonly engine: string;
  /** Highest resident memory of the process with the longest rows at work. */
  readonly peak_memory_bytes: number;
  /** A batch of the longest rows. */
  readonly longest_step_ms: number;
  /** A usual optimizer step. */
  readonly step_ms: number;
  /** One evaluation; 0 = nothing is held out. */
  readonly evaluation_ms: number;
  /** Loading and compiling. */
  readonly load_ms: number;
  /** The whole run, without the sample answers that it writes. */
  readonly total_ms: number;
}
