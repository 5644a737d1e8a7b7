/**
 * @file Writes what a run tells into the history. Live events and events read back from a run folder go the same way, so a rebuilt
 * history is the history that was.
 */
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import { insertCheckpoint } from '../store/checkpoints.ts';
import { inTransaction, type WritableDb } from '../store/database.ts';
import {
  deleteFiguresBeyond,
  insertEvaluation,
  insertMetric,
  insertNotice,
  readLastFigures,
} from '../store/metrics.ts';
import { findRun, updateRun } from '../store/runs.ts';
import { insertSample } from '../store/samples.ts';

type Told<Name extends RunEvent['event']> = Extract<RunEvent, { event: Name }> & { readonly at: number };

/** Takes one event of a run that is in the history. */
export function recordEvent(db: WritableDb, runId: string, event: TimedEvent): void {
  inTransaction(db, () => {
    switch (event.event) {
      case 'start':
        return recordStart(db, runId, event);
      case 'step':
        return recordStep(db, runId, event);
      case 'eval':
        return recordEvaluation(db, runId, event);
      case 'checkpoint':
        return insertCheckpoint(db, runId, { ...pick(event, ['step', 'path', 'best']), created_at: event.at });
      case 'sample':
        return insertSample(db, runId, pick(event, ['step', 'prompt', 'answer', 'expected']));
      case 'notice':
        return insertNotice(db, runId, {
          ...pick(event, ['step', 'code', 'message', 'at']),
          ...(event.values && { values: event.values }),
        });
      case 'result':
        return recordResult(db, runId, event);
      case 'error':
        return recordError(db, runId, event);
      case 'progress':
        return;
    }
  });
}

function recordStart(db: WritableDb, runId: string, event: Told<'start'>): void {
  deleteFiguresBeyond(db, runId, event.start_step);
  updateRun(db, runId, {
    ...pick(event, ['total_steps', 'trainable_parameters', 'total_parameters', 'train_rows', 'eval_rows']),
    ...pick(event, ['supervised_tokens', 'engine']),
    predicted_memory_bytes: event.predicted_memory_bytes ?? null,
    ...readLastFigures(db, runId),
    state: 'running',
    step: event.start_step,
    started_at: event.at,
    ended_at: null,
    error_code: null,
    error_message: null,
    error_hint: null,
  });
}

function recordStep(db: WritableDb, runId: string, event: Told<'step'>): void {
  const { event: _event, at: _at, ...told } = event;
  const metric = { ...told, loss: toFigure(event.loss), grad_norm: toFigure(event.grad_norm) };
  insertMetric(db, runId, metric);
  const peak = Math.max(event.memory_bytes, findRun(db, runId)?.peak_memory_bytes ?? 0);
  updateRun(db, runId, {
    ...pick(event, ['step', 'epoch', 'tokens', 'elapsed_ms']),
    final_loss: metric.loss,
    peak_memory_bytes: peak,
  });
}

function recordEvaluation(db: WritableDb, runId: string, event: Told<'eval'>): void {
  const figures = Object.entries(event.metrics).map(([name, value]) => [name, toFigure(value)] as const);
  const eval_loss = toFigure(event.eval_loss);
  insertEvaluation(db, runId, {
    ...pick(event, ['step', 'best']),
    eval_loss,
    // Nothing is told where the task has none, and where the loss was no number.
    perplexity: event.perplexity === null && Number.isFinite(eval_loss) ? null : toFigure(event.perplexity),
    metrics: Object.fromEntries(figures),
  });
  updateRun(db, runId, { eval_loss, ...(event.best && { best_eval_loss: eval_loss, best_step: event.step }) });
}

function recordResult(db: WritableDb, runId: string, event: Told<'result'>): void {
  updateRun(db, runId, {
    state: 'finished',
    ended_at: event.at,
    step: event.steps,
    adapter_dir: event.adapter_dir,
    ...(event.final_loss !== null && { final_loss: event.final_loss }),
    ...(event.eval_loss !== null && { eval_loss: event.eval_loss }),
  });
}

function recordError(db: WritableDb, runId: string, event: Told<'error'>): void {
  updateRun(db, runId, {
    state: 'failed',
    ended_at: event.at,
    error_code: event.code,
    error_message: event.message,
    error_hint: event.hint,
  });
}

/**
 * A run that diverges tells of figures that are no numbers; on their way, as JSON, they become null. The history keeps them as
 * infinite, which SQLite can hold, which sorts last and is drawn as a gap.
 */
function toFigure(told: number | null): number {
  return told !== null && Number.isFinite(told) ? told : Infinity;
}

function pick<T, K extends keyof T>(source: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, source[name]])) as Pick<T, K>;
}
