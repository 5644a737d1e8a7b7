/**
 * @file Everything about one run, several runs beside each other, and a run's figures as a table file.
 */
import { statSync } from 'node:fs';
import type {
  CheckpointRecord,
  EvaluationRecord,
  ExportRecord,
  MetricRecord,
  NoticeRecord,
  RunRecord,
  SampleRecord,
} from '../../src-shared/domain/history.ts';
import type { JsonValue } from '../../src-shared/domain/json.ts';
import type { ConfigDifference } from '../../src-shared/domain/run-views.ts';
import { listCheckpointRecords } from '../store/checkpoints.ts';
import type { ReadableDb } from '../store/database.ts';
import { listExports } from '../store/exports.ts';
import { listEvaluations, listMetrics, listNotices } from '../store/metrics.ts';
import { listSamples } from '../store/samples.ts';
import { flattenConfig } from './config-edit.ts';

export interface RunDetails {
  readonly run: RunRecord;
  readonly metrics: readonly MetricRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly notices: readonly NoticeRecord[];
  readonly checkpoints: readonly CheckpointRecord[];
  readonly samples: readonly SampleRecord[];
  readonly exports: readonly ExportRecord[];
}

export type { ConfigDifference };

export function readRunDetails(db: ReadableDb, run: RunRecord): RunDetails {
  return {
    run,
    metrics: listMetrics(db, run.id),
    evaluations: listEvaluations(db, run.id),
    notices: listNotices(db, run.id),
    checkpoints: listCheckpointRecords(db, run.id).filter(({ path }) => statSync(path, { throwIfNoEntry: false })),
    samples: listSamples(db, run.id),
    exports: listExports(db, run.id),
  };
}

/** Settings in which the runs differ, by path. */
export function compareConfigs(runs: readonly RunRecord[]): ConfigDifference[] {
  const flat = runs.map(({ config_json }) => flattenConfig(JSON.parse(config_json) as JsonValue));
  const paths = [...new Set(flat.flatMap((config) => [...config.keys()]))].sort();
  return paths
    .map((path) => ({ path, values: flat.map((config) => config.get(path) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

const CSV_COLUMNS = [
  'step',
  'loss',
  'eval_loss',
  'perplexity',
  'learning_rate',
  'grad_norm',
  'tokens_per_second',
  'tokens',
  'memory_bytes',
  'epoch',
  'elapsed_ms',
] as const;

/** One line a step; cells that a step has no figure for are empty. Further evaluation figures get columns of their own. */
export function metricsToCsv({ metrics, evaluations }: RunDetails): string {
  const extra = [...new Set(evaluations.flatMap((evaluation) => Object.keys(evaluation.metrics)))].sort();
  const lines = new Map<number, Record<string, number>>();
  for (const metric of metrics) lines.set(metric.step, { ...metric });
  for (const { step, eval_loss, perplexity, metrics: figures } of evaluations) {
    lines.set(step, { ...lines.get(step), step, eval_loss, perplexity, ...figures });
  }
  const columns = [...CSV_COLUMNS, ...extra];
  const rows = [...lines.values()].sort((a, b) => (a.step ?? 0) - (b.step ?? 0));
  return [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))]
    .map((cells) => `${cells.join(',')}\n`)
    .join('');
}
