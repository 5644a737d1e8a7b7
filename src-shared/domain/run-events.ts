/**
 * @file What a run tells the world, one object an event. The same objects are the job's messages to core, the lines of
 * events.jsonl in the run folder and the lines of `train --json`. Names are Hugging Face's where they exist.
 */
import type { PlainError } from './app-error.ts';
import type { Values } from './notices.ts';

export interface StartEvent {
  readonly event: 'start';
  readonly run_dir: string;
  readonly total_steps: number;
  /** Steps already done when a run is resumed, else 0. */
  readonly start_step: number;
  readonly trainable_parameters: number;
  readonly total_parameters: number;
  readonly train_rows: number;
  readonly eval_rows: number;
  /** Tokens with a label in one epoch. */
  readonly supervised_tokens: number;
  /** Classes that a classifier tells apart; 0 = it foretells a number, left out = it writes. */
  readonly classes?: number;
  readonly engine: string;
  /** Peak memory as it was estimated; what was measured is in the step events. Missing in runs from before there were estimates. */
  readonly predicted_memory_bytes?: number;
  /** What earlier runs had it corrected by; missing where they did not. */
  readonly memory_correction?: number;
  /** Peak of the two trial steps over the longest rows; missing where the run was resumed. */
  readonly dry_run_memory_bytes?: number;
}

export interface StepEvent {
  readonly event: 'step';
  readonly step: number;
  /** Mean loss of the supervised tokens since the last step event. */
  readonly loss: number;
  readonly learning_rate: number;
  /** Global gradient norm before clipping. */
  readonly grad_norm: number;
  /** Non-padding tokens a second since the last step event. */
  readonly tokens_per_second: number;
  /** Non-padding tokens seen so far. */
  readonly tokens: number;
  /** Peak resident set of the job so far (VmHWM), bytes. */
  readonly memory_bytes: number;
  readonly epoch: number;
  /** Milliseconds since the run's first step, over all sessions. */
  readonly elapsed_ms: number;
}

export interface EvalEvent {
  readonly event: 'eval';
  readonly step: number;
  readonly eval_loss: number;
  /** null where the loss is not that of a language model. */
  readonly perplexity: number | null;
  /** Further figures: accuracy, exact_match, f1, rouge_l. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly best: boolean;
}

export interface CheckpointEvent {
  readonly event: 'checkpoint';
  readonly step: number;
  readonly path: string;
  readonly best: boolean;
}

/** Answers to the fixed prompts at one point of the run. */
export interface SampleEvent {
  readonly event: 'sample';
  readonly step: number;
  readonly prompt: string;
  readonly answer: string;
  readonly expected: string | null;
}

export interface NoticeEvent {
  readonly event: 'notice';
  readonly step: number;
  readonly code: string;
  readonly message: string;
  /** The facts of the message; missing in what earlier releases wrote. */
  readonly values?: Values;
  /** Settings that would mend it, as `--set` takes them. */
  readonly settings?: Readonly<Record<string, number | string | boolean>>;
}

/** Work before the first step: loading, tokenizing, compiling. */
export interface ProgressEvent {
  readonly event: 'progress';
  readonly phase: string;
  /** 0 to 1, or null where the end is unknown. */
  readonly fraction: number | null;
}

export interface TrainResultEvent {
  readonly event: 'result';
  readonly run_dir: string;
  readonly adapter_dir: string;
  readonly final_loss: number | null;
  readonly eval_loss: number | null;
  readonly best_checkpoint: string | null;
  readonly steps: number;
  readonly stopped_early: boolean;
}

export interface ErrorEvent extends PlainError {
  readonly event: 'error';
}

export type RunEvent =
  | StartEvent
  | StepEvent
  | EvalEvent
  | CheckpointEvent
  | SampleEvent
  | NoticeEvent
  | ProgressEvent
  | TrainResultEvent
  | ErrorEvent;
