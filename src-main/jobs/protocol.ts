/**
 * @file What core and a job process say to each other over the fork's channel (JSON).
 *
 *     core -> job   start, then any number of ask / dropAsk, then stop
 *     job -> core   event, download, text and answer while it works; at the end exactly one of result, failed
 *
 * A job that is served (a playground) says `ready` and then answers until it is stopped; the others ignore `ask`.
 */
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { DataReport, LeaveOut, RepairedFile } from '../../src-shared/domain/data-report.ts';
import type { BehaviourCheck } from '../../src-shared/domain/export-certificate.ts';
import type { DownloadProgress } from '../../src-shared/domain/hub.ts';
import type { QuantizeReport } from '../../src-shared/domain/quantize-report.ts';
import type { MeasuredRun, RunPlan } from '../../src-shared/domain/run-plan.ts';
import type {
  CompareModelsOptions,
  ComputeLogitsOptions,
  EvaluateOptions,
  EvaluateResult,
  ExportOptions,
  GenerateRequest,
  GenerateResult,
  MergeOptions,
  ModelSource,
  QuantizeReportOptions,
  TrainResult,
  WrittenFolder,
} from '../engine/recipes/contract.ts';
import type { DataConfig, ProblemType, RunConfig, TaskType } from '../../src-shared/schema/run-config.ts';
import type { PlanRunOptions } from '../engine/recipes/plan-run.ts';
import type { TimedEvent } from './event-log.ts';
import type { DownloadRequest } from './hub/download-job.ts';

export interface TrainRequest {
  /** Absolute path; made if it is not there. */
  readonly runDir: string;
  readonly id: string;
  readonly name: string;
  /** When the run was first asked for, milliseconds since 1970. */
  readonly createdAt: number;
  readonly config: RunConfig;
  /** True: go on from the newest intact checkpoint of this folder. False: the folder must hold no run. */
  readonly resume: boolean;
  /** What earlier runs on this machine took over what was estimated. */
  readonly memoryCorrection?: number;
  /** With `resume`: step of the checkpoint to go back to; what came later is set aside. */
  readonly checkpoint?: number;
}

export interface LogitsRequest extends Omit<ComputeLogitsOptions, 'host'> {
  /** safetensors file for the one tensor `logits`. */
  readonly outputFile: string;
}

/** Files to look through; `model` is the folder whose tokenizer counts, null = no tokens are counted. */
export interface InspectRequest {
  readonly train: readonly string[];
  readonly eval: readonly string[];
  readonly format: DataConfig['format'];
  readonly columns: DataConfig['columns'];
  readonly template: string | null;
  /** null = no limit. */
  readonly max_length: number | null;
  readonly completion_only_loss: boolean;
  readonly task_type: TaskType | null;
  /** null = by the labels. */
  readonly problem_type?: ProblemType | null;
  readonly labels: readonly string[] | null;
  readonly model: string | null;
}

/** Files to copy without some of their rows. */
export interface RepairRequest extends Pick<InspectRequest, 'train' | 'eval' | 'format' | 'columns' | 'task_type'> {
  readonly leave_out: readonly LeaveOut[];
  /** Folder for the copies; made if it is not there. */
  readonly outputDir: string;
}

/** What can be asked of a served job. */
export type AskRequest = Omit<GenerateRequest, 'signal' | 'onText'>;

/** Every kind of job: what it is given and what it gives. */
export interface JobKinds {
  train: { request: TrainRequest; result: TrainResult };
  generate: { request: ModelSource; result: null };
  logits: { request: LogitsRequest; result: { readonly shape: readonly [number, number] } };
  evaluate: { request: Omit<EvaluateOptions, 'host'>; result: EvaluateResult };
  quantizeReport: { request: Omit<QuantizeReportOptions, 'host'>; result: QuantizeReport };
  merge: { request: Omit<MergeOptions, 'host'>; result: WrittenFolder };
  export: { request: Omit<ExportOptions, 'host'>; result: WrittenFolder };
  compare: { request: Omit<CompareModelsOptions, 'host'>; result: BehaviourCheck };
  inspect: { request: InspectRequest; result: DataReport };
  repair: { request: RepairRequest; result: readonly RepairedFile[] };
  plan: { request: Omit<PlanRunOptions, 'host'>; result: RunPlan };
  /** The request holds a token; it is sent to the job and kept nowhere. */
  download: { request: DownloadRequest; result: { readonly dir: string } };
  dryRun: { request: Omit<PlanRunOptions, 'host'>; result: MeasuredRun };
}
export type JobKind = keyof JobKinds;
export type JobRequest<K extends JobKind> = JobKinds[K]['request'];
export type JobResult<K extends JobKind> = JobKinds[K]['result'];

export type JobFailure =
  | { readonly kind: 'expected'; readonly error: PlainError }
  | { readonly kind: 'interrupted'; readonly message: string }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string };

export type CoreMessage =
  | {
      readonly type: 'start';
      readonly kind: JobKind;
      readonly request: JobRequest<JobKind>;
      readonly bindingPath: string | null;
    }
  | { readonly type: 'ask'; readonly id: number; readonly request: AskRequest }
  /** Ends one answer early. */
  | { readonly type: 'dropAsk'; readonly id: number }
  /** Save what can be saved and end. */
  | { readonly type: 'stop' };

export type JobMessage =
  | { readonly type: 'event'; readonly event: TimedEvent }
  | { readonly type: 'download'; readonly progress: DownloadProgress }
  | { readonly type: 'ready' }
  | { readonly type: 'text'; readonly id: number; readonly chunk: string }
  | { readonly type: 'answer'; readonly id: number; readonly result: GenerateResult }
  | { readonly type: 'answerFailed'; readonly id: number; readonly failure: JobFailure }
  | { readonly type: 'result'; readonly result: JobResult<JobKind>; readonly peakMemoryBytes: number | null }
  | { readonly type: 'failed'; readonly failure: JobFailure; readonly peakMemoryBytes: number | null };
