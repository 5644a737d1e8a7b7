/**
 * @file Everything about one run, and several runs beside each other.
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
