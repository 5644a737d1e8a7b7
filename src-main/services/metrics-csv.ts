/**
 * @file A run's figures as a table file, made in pieces: a hundred thousand lines at once would keep core from everything else.
 */
import { setImmediate as letOthersGo } from 'node:timers/promises';
import type { EvaluationRecord, MetricRecord } from '../../src-shared/domain/history.ts';
import type { ReadableDb } from '../store/database.ts';
import { listEvaluations, listMetrics } from '../store/metrics.ts';

const COLUMNS = [
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
const STEPS_AT_ONCE = 2_000;

type Row = Readonly<Record<string, number | null>>;

/** One line a step; cells that a step has no figure for are empty. Further evaluation figures get columns of their own. */
export async function writeMetricsCsv(db: ReadableDb, runId: string): Promise<string> {
  const evaluations = listEvaluations(db, runId);
  const extra = [...new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)))].sort();
  const columns = [...COLUMNS, ...extra];
  const toLine = (row: Row) => `${columns.map((name) => row[name] ?? '').join(',')}\n`;
  const waiting = evaluations.map(toRow);
  let text = `${columns.join(',')}\n`;
  for (let after = -1; ; await letOthersGo()) {
    const metrics = listMetrics(db, runId, { after, limit: STEPS_AT_ONCE });
    text += joinRows(metrics, waiting).map(toLine).join('');
    const last = metrics.at(-1);
    if (last === undefined || metrics.length < STEPS_AT_ONCE) break;
    after = last.step;
  }
  return text + waiting.map(toLine).join('');
}

/** @param waiting evaluations in the order of their steps; those up to the last step are taken out */
function joinRows(metrics: readonly MetricRecord[], waiting: Row[]): Row[] {
  return metrics.flatMap((metric) => {
    const earlier = waiting.splice(
      0,
      countWhile(waiting, ({ step }) => (step ?? 0) < metric.step),
    );
    const same = waiting[0]?.step === metric.step ? waiting.shift() : undefined;
    return [...earlier, { ...metric, ...same }];
  });
}

function toRow({ step, eval_loss, perplexity, metrics }: EvaluationRecord): Row {
  return { step, eval_loss, perplexity, ...metrics };
}

function countWhile(rows: readonly Row[], holds: (row: Row) => boolean): number {
  const end = rows.findIndex((row) => !holds(row));
  return end === -1 ? rows.length : end;
}
