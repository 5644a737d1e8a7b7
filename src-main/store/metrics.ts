/**
 * @file Figures of a run: what its steps and evaluations told, and its notices.
 */
import type { EvaluationRecord, MetricRecord, NoticeRecord, RunRecord } from '../../src-shared/domain/history.ts';
import type { MetricPage } from '../../src-shared/domain/run-views.ts';
import {
  execute,
  inTransaction,
  type ReadableDb,
  selectAll,
  selectOne,
  selectRows,
  type WritableDb,
} from './database.ts';
import type { Values } from '../../src-shared/domain/notices.ts';

/** As SQLite says it. */
const NO_LIMIT = -1;

/** A step that is told again (after a resume) replaces what it told before. */
export function insertMetric(db: WritableDb, runId: string, metric: MetricRecord): void {
  execute(
    db,
    `INSERT OR REPLACE INTO metrics
       (run_id, step, loss, learning_rate, grad_norm, tokens_per_second, tokens, memory_bytes, epoch, elapsed_ms)
     VALUES
       (@runId, @step, @loss, @learning_rate, @grad_norm, @tokens_per_second, @tokens, @memory_bytes, @epoch, @elapsed_ms)`,
    { runId, ...metric },
  );
}

/** In the order of the steps. @param part those beyond the step `after`, at most `limit`; left out = all */
export function listMetrics(
  db: ReadableDb,
  runId: string,
  { after = -1, limit = NO_LIMIT }: { readonly after?: number; readonly limit?: number } = {},
): MetricRecord[] {
  return selectAll<MetricRecord>(
    db,
    `SELECT step, loss, learning_rate, grad_norm, tokens_per_second, tokens, memory_bytes, epoch, elapsed_ms
     FROM metrics WHERE run_id = @runId AND step > @after ORDER BY step LIMIT @limit`,
    { runId, after, limit },
  );
}

export function insertEvaluation(db: WritableDb, runId: string, evaluation: EvaluationRecord): void {
  const { step, eval_loss, perplexity, best, metrics } = evaluation;
  inTransaction(db, () => {
    execute(
      db,
      `INSERT OR REPLACE INTO evaluations (run_id, step, eval_loss, perplexity, best)
       VALUES (@runId, @step, @eval_loss, @perplexity, @best)`,
      { runId, step, eval_loss, perplexity, best: Number(best) },
    );
    for (const [name, value] of Object.entries(metrics)) {
      execute(db, 'INSERT INTO evaluation_metrics (run_id, step, name, value) VALUES (@runId, @step, @name, @value)', {
        runId,
        step,
        name,
        value,
      });
    }
  });
}

/** In the order of the steps. */
export function listEvaluations(db: ReadableDb, runId: string): EvaluationRecord[] {
  interface Row extends Omit<EvaluationRecord, 'best' | 'metrics'> {
    readonly best: number;
    readonly metrics_json: string;
  }
  const rows = selectAll<Row>(
    db,
    `SELECT step, eval_loss, perplexity, best,
       (SELECT json_group_object(name, value) FROM evaluation_metrics AS m
        WHERE m.run_id = e.run_id AND m.step = e.step) AS metrics_json
     FROM evaluations AS e WHERE run_id = @runId ORDER BY step`,
    { runId },
  );
  return rows.map(({ best, metrics_json, ...row }) => ({
    ...row,
    best: best === 1,
    metrics: JSON.parse(metrics_json) as Record<string, number>,
  }));
}

export function insertNotice(db: WritableDb, runId: string, notice: NoticeRecord): void {
  const { values, ...row } = notice;
  execute(
    db,
    `INSERT INTO notices (run_id, step, code, message, at, values_json)
     VALUES (@runId, @step, @code, @message, @at, @values_json)`,
    { runId, ...row, values_json: values === undefined ? null : JSON.stringify(values) },
  );
}

/** In the order they were told. */
export function listNotices(db: ReadableDb, runId: string): NoticeRecord[] {
  const sql = 'SELECT step, code, message, at, values_json FROM notices WHERE run_id = @runId ORDER BY id';
  const rows = selectAll<Omit<NoticeRecord, 'values'> & { readonly values_json: string | null }>(db, sql, { runId });
  return rows.map(({ values_json, ...row }) =>
    values_json === null ? row : { ...row, values: JSON.parse(values_json) as Values },
  );
}

/** Forgets what a run told beyond a step, when it is resumed from there. */
export function deleteFiguresBeyond(db: WritableDb, runId: string, step: number): void {
  inTransaction(db, () => {
    for (const table of ['metrics', 'evaluations', 'notices', 'samples', 'checkpoints']) {
      execute(db, `DELETE FROM ${table} WHERE run_id = @runId AND step > @step`, { runId, step });
    }
  });
}

/** What the last figures say of a run as a whole. */
export type LastFigures = Pick<
  RunRecord,
  'epoch' | 'tokens' | 'elapsed_ms' | 'final_loss' | 'eval_loss' | 'best_eval_loss' | 'best_step'
>;

/** From the figures that are there, for a run that was set back. */
export function readLastFigures(db: ReadableDb, runId: string): LastFigures {
  const metric = selectOne<Pick<MetricRecord, 'epoch' | 'tokens' | 'elapsed_ms' | 'loss'>>(
    db,
    'SELECT epoch, tokens, elapsed_ms, loss FROM metrics WHERE run_id = @runId ORDER BY step DESC LIMIT 1',
    { runId },
  );
  const evaluations = listEvaluations(db, runId);
  const best = evaluations.findLast((evaluation) => evaluation.best);
  const { loss: final_loss = null, ...sums } = metric ?? { epoch: 0, tokens: 0, elapsed_ms: 0 };
  return {
    ...sums,
    final_loss,
    eval_loss: evaluations.at(-1)?.eval_loss ?? null,
    best_eval_loss: best?.eval_loss ?? null,
    best_step: best?.step ?? null,
  };
}

/** Forgets all that a run told, before it is read anew from its folder. */
export function deleteFigures(db: WritableDb, runId: string): void {
  deleteFiguresBeyond(db, runId, -1);
}

const METRIC_NAMES = [
  'step',
  'loss',
  'learning_rate',
  'grad_norm',
  'tokens_per_second',
  'tokens',
  'memory_bytes',
  'epoch',
  'elapsed_ms',
] as const satisfies readonly (keyof MetricRecord)[];

/** Figures of the steps beyond one, column by column, for charts. @param limit most steps to read */
export function readMetricPage(db: ReadableDb, runId: string, afterStep: number, limit: number): MetricPage {
  const rows = selectRows(
    db,
    `SELECT ${METRIC_NAMES.join(', ')} FROM metrics WHERE run_id = @runId AND step > @afterStep ORDER BY step LIMIT @limit`,
    { runId, afterStep, limit },
  );
  const column = (name: keyof MetricRecord, index: number) => [name, rows.map((row) => row[index])] as const;
  const columns = Object.fromEntries(METRIC_NAMES.map(column)) as unknown as MetricPage['columns'];
  return { columns, next: rows.length === limit ? (columns.step.at(-1) ?? null) : null };
}
