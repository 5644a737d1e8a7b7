/**
 * @file Runs as the screens show them: one line of the list, one run's page, several beside each other, what is at work.
 */
import type { JsonObject } from './json.ts';
import type {
  CheckpointRecord,
  EvaluationRecord,
  ExportRecord,
  MetricRecord,
  NoticeRecord,
  QueueState,
  RunRecord,
  SampleRecord,
} from './history.ts';
import type { RunEvent } from './run-events.ts';

/** An event with the time it was told, milliseconds since 1970. */
export type TimedRunEvent = RunEvent & { readonly at: number };

/** A run in a list. */
export interface RunSummary extends Omit<RunRecord, 'config_json' | 'notes'> {
  readonly has_notes: boolean;
  /** Loss over the run, at most 32 points in the order of the steps. */
  readonly sparkline: readonly number[];
}

export interface RunPage {
  /** Runs that match, on all pages. */
  readonly total: number;
  readonly runs: readonly RunSummary[];
}

export interface TagCount {
  readonly tag: string;
  readonly runs: number;
}

/** Everything about one run but its step figures, which come in pages (`runs:getMetrics`). */
export interface RunPageDetails {
  readonly run: RunSummary;
  readonly notes: string;
  /** The configuration that it really ran with; as the person wrote it until the engine has filled the gaps. */
  readonly config: JsonObject;
  readonly evaluations: readonly EvaluationRecord[];
  readonly notices: readonly NoticeRecord[];
  /** Newest first; only those still on disk. */
  readonly checkpoints: readonly CheckpointRecord[];
  readonly samples: readonly SampleRecord[];
  readonly exports: readonly ExportRecord[];
  /** Bytes of the run's folder. */
  readonly size_bytes: number;
  /** True where `runs:resume` will work. */
  readonly can_resume: boolean;
}

/** Figures of consecutive steps, one array for each figure, all of one length. */
export interface MetricPage {
  readonly columns: { readonly [Name in keyof MetricRecord]: readonly number[] };
  /** Give it as `after_step` for the next page; null where this was the last one. */
  readonly next: number | null;
}

/** One setting that is not the same in all of the compared runs. */
export interface ConfigDifference {
  /** `peft.r`. */
  readonly path: string;
  /** JSON text for each run, null where a run has no such setting. */
  readonly values: readonly (string | null)[];
}

/** A prompt that the runs have in common, with each run's latest answer. */
export interface ComparedSample {
  readonly prompt: string;
  readonly expected: string | null;
  /** For each run; null where it never answered this prompt. */
  readonly answers: readonly ({ readonly step: number; readonly answer: string } | null)[];
}

export interface RunComparison {
  /** In the order they were asked for. */
  readonly runs: readonly RunSummary[];
  readonly differences: readonly ConfigDifference[];
  readonly evaluations: readonly (readonly EvaluationRecord[])[];
  readonly samples: readonly ComparedSample[];
}

/** A run that is at work now. */
export interface ActiveRunState {
  readonly run: string;
  readonly name: string;
  /** What it does before its first step (loading, tokenizing, compiling); '' while it steps. */
  readonly phase: string;
  readonly phase_fraction: number | null;
  readonly step: number;
  readonly total_steps: number | null;
  /** Time left by the pace of this session's steps; null until two steps are done. */
  readonly remaining_ms: number | null;
  /** What was asked for and is being done: saving a checkpoint, then ending. */
  readonly ending: 'paused' | 'stopped' | null;
}

export interface QueueItem {
  readonly id: string;
  readonly name: string;
  readonly state: QueueState;
  readonly run_id: string | null;
  /** State of that run. */
  readonly run_state: RunRecord['state'] | null;
  readonly error_message: string | null;
  readonly added_at: number;
  readonly method_summary: string;
  readonly model_name: string;
  readonly data_summary: string;
}

export interface QueueView {
  /** False: nothing is started until the queue is let go again. */
  readonly runs: boolean;
  /** In their order, with those that were run. */
  readonly items: readonly QueueItem[];
}
