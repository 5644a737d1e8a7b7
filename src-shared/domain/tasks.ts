/**
 * @file Work in core that takes longer than a click: it has an id, tells how far it is, can be cancelled, and outlives the window
 * that asked for it.
 */
import type { PlainError } from './app-error.ts';
import type { ConvertedFile, DataReport, RepairedFile } from './data-report.ts';
import type { ComparedEvaluation } from './evaluation.ts';
import type { ExportCertificate } from './export-certificate.ts';
import type { ModelsMove } from './hub.ts';
import type { KeptReport } from './quantize-report.ts';
import type { MeasuredRun, RunPlan } from './run-plan.ts';

/** Every kind of task with what it gives. */
export interface TaskResults {
  readonly installEngine: null;
  readonly inspectData: DataReport;
  readonly repairData: readonly RepairedFile[];
  readonly convertData: readonly ConvertedFile[];
  readonly planRun: RunPlan;
  readonly dryRun: MeasuredRun;
  readonly measureStorages: KeptReport;
  readonly evaluateModel: ComparedEvaluation;
  readonly exportModel: WrittenExport;
  readonly checkExport: ExportCertificate;
  readonly moveModels: ModelsMove;
}
export type TaskKind = keyof TaskResults;

export interface WrittenExport {
  /** In the list of the run's exports. */
  readonly id: string;
  /** null where the check was left out: a training was at work, or it was cancelled. */
  readonly certificate: ExportCertificate | null;
  /** Absolute path. */
  readonly dir: string;
  readonly files: readonly string[];
  readonly bytes: number;
}

/** Given by the method that starts a task; ask for the rest with its id. */
export interface TaskStarted<Kind extends TaskKind> {
  readonly task: string;
  readonly kind: Kind;
}

export interface Task<Kind extends TaskKind = TaskKind> {
  readonly id: string;
  readonly kind: Kind;
  /** For people: a file, a run, a folder. */
  readonly subject: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** What it does now, one line. */
  readonly phase: string;
  /** 0 to 1, null where the end is not known. */
  readonly fraction: number | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  /** With `done`; what it is follows from `kind` (TaskResults). */
  readonly result: TaskResults[Kind] | null;
  /** With `failed`. */
  readonly error: PlainError | null;
}
