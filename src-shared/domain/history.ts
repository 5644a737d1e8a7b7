/**
 * @file What the history knows: one record for each row of its tables. Fields are named as the columns are, times are milliseconds
 * since 1970, paths are absolute.
 */
import type { TaskType } from '../schema/run-config.ts';
import type { ExportCertificate } from './export-certificate.ts';
import type { Values } from './notices.ts';

/**
 * preparing: loading, nothing computed yet. paused and stopped: ended at the person's wish, to be resumed or left at that.
 * interrupted: the process or its parent ended in mid-run. All but `preparing` and `running` can be resumed.
 */
export const RUN_STATES = ['preparing', 'running', 'paused', 'stopped', 'interrupted', 'finished', 'failed'] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface RunRecord {
  readonly id: string;
  readonly name: string;
  readonly dir: string;
  readonly state: RunState;
  readonly created_at: number;
  /** First step of the latest session. */
  readonly started_at: number | null;
  /** Null while it runs. */
  readonly ended_at: number | null;
  readonly task_type: TaskType;
  readonly model_path: string;
  readonly model_name: string;
  /** peft_type: LORA, QLORA or NONE. */
  readonly method: string;
  /** For people: `LoRA r=8, all-linear`. */
  readonly method_summary: string;
  /** none, bf16, int8, nf4; null until the configuration is resolved. */
  readonly quantization: string | null;
  /** For people: names of the training files. */
  readonly data_summary: string;
  /** The configuration as the engine resolved it, JSON; as the person wrote it until then. */
  readonly config_json: string;
  /** What computed it: backend, version and mode. */
  readonly engine: string | null;
  readonly device: string | null;
  readonly total_steps: number | null;
  /** Last step told of. */
  readonly step: number;
  readonly epoch: number;
  readonly tokens: number;
  readonly trainable_parameters: number | null;
  readonly total_parameters: number | null;
  readonly train_rows: number | null;
  readonly eval_rows: number | null;
  readonly supervised_tokens: number | null;
  /** Loss of the last step told of. */
  readonly final_loss: number | null;
  /** Latest evaluation. */
  readonly eval_loss: number | null;
  readonly best_eval_loss: number | null;
  readonly best_step: number | null;
  /** Computing time over all sessions. */
  readonly elapsed_ms: number;
  readonly predicted_memory_bytes: number | null;
  readonly peak_memory_bytes: number | null;
  /** The finished adapter or model. */
  readonly adapter_dir: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error_hint: string | null;
  readonly notes: string;
  /** When it was put into the trash; null outside of it. */
  readonly trashed_at: number | null;
  readonly tags: readonly string[];
}

/** One `step` event. */
export interface MetricRecord {
  readonly step: number;
  readonly loss: number;
  readonly learning_rate: number;
  readonly grad_norm: number;
  readonly tokens_per_second: number;
  readonly tokens: number;
  readonly memory_bytes: number;
  readonly epoch: number;
  readonly elapsed_ms: number;
}

/** One `eval` event. */
export interface EvaluationRecord {
  readonly step: number;
  readonly eval_loss: number;
  /** null where the loss is not that of a language model. */
  readonly perplexity: number | null;
  readonly best: boolean;
  /** accuracy, exact_match, f1, rouge_l: what was measured. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface NoticeRecord {
  readonly step: number;
  readonly code: string;
  readonly message: string;
  /** The facts of the message; missing in what earlier releases wrote. */
  readonly values?: Values;
  readonly at: number;
}

export interface CheckpointRecord {
  readonly step: number;
  readonly path: string;
  readonly best: boolean;
  readonly created_at: number;
}

export interface SampleRecord {
  readonly step: number;
  readonly prompt: string;
  readonly answer: string;
  readonly expected: string | null;
}

export const MODEL_SOURCES = ['sample', 'imported', 'found', 'hub'] as const;
export type ModelSourceKind = (typeof MODEL_SOURCES)[number];

export interface ModelRecord {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly source: ModelSourceKind;
  readonly model_type: string;
  readonly size_bytes: number;
  /** Longest context in tokens, null where the configuration does not say. */
  readonly context_tokens: number | null;
  readonly licence: string | null;
  readonly added_at: number;
}

export interface DatasetRecord {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** Found or chosen format: messages, text, … */
  readonly format: string;
  readonly rows: number;
  readonly faults: number;
  readonly size_bytes: number;
  readonly inspected_at: number;
}

export interface ExportRecord {
  readonly id: string;
  readonly run_id: string | null;
  readonly format: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly created_at: number;
  /** What it was written from, null where that is not known any more: it cannot be checked again then. */
  readonly model_dir: string | null;
  readonly adapter_dir: string | null;
  /** null until it was checked. */
  readonly certificate: ExportCertificate | null;
}

/** Those that wait are started in the order of their position; paused (or cut off) and stopped ones can be resumed as runs. */
export type QueueState = 'waiting' | 'running' | 'paused' | 'stopped' | 'finished' | 'failed';

export interface QueueRecord {
  readonly id: string;
  readonly name: string;
  readonly position: number;
  readonly state: QueueState;
  readonly config_json: string;
  readonly run_id: string | null;
  /** Why it failed. */
  readonly error_message: string | null;
  readonly added_at: number;
}

export interface DraftRecord {
  readonly id: string;
  readonly name: string;
  /** State of the wizard, JSON. */
  readonly content_json: string;
  readonly updated_at: number;
}
