/**
 * @file Runs that wait for their turn: kept in the history, so they survive restarts.
 */
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { QueueRecord } from '../../src-shared/domain/history.ts';
import { parseRunConfig, type RunConfig } from '../../src-shared/schema/run-config.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import {
  claimNextQueueItem,
  deleteQueueItem,
  insertQueueItem,
  listQueue,
  reorderQueue,
  updateQueueItem,
} from '../store/queue.ts';
import { findRun } from '../store/runs.ts';
import type { WritableDb } from '../store/database.ts';
import { makePathsAbsolute } from './config-edit.ts';
import { nameRun } from './describe-run.ts';
import type { History } from './history.ts';
import type { Notice } from './notice.ts';
import type { RunService } from './run-service.ts';
import { readTrainingHolder } from './training-device.ts';

export interface RunQueueOptions {
  /** No further run is started after an abort; the one at work is saved and stays resumable. */
  readonly signal: AbortSignal;
  /** Asked before each run; false ends the work, the run before it having ended by itself. */
  readonly mayGoOn?: () => boolean;
  readonly onItem?: (item: QueueRecord) => void;
  readonly onEvent?: (event: TimedEvent) => void;
  readonly onWait?: (notice: Notice) => void;
}

export interface QueueService {
  /** In their order, with those that were run. */
  list(): Promise<QueueRecord[]>;
  add(config: RunConfig): Promise<QueueRecord>;
  /** @param item id or its beginning */
  remove(item: string): Promise<QueueRecord>;
  /** @param ids in the new order; others follow */
  reorder(ids: readonly string[]): Promise<void>;
  /** Runs what waits, one after the other; a run that fails does not hold up the next. @returns how many were run */
  runAll(options: RunQueueOptions): Promise<number>;
}

export interface QueueServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly runs: RunService;
}

export function createQueueService({ home, history, runs }: QueueServiceOptions): QueueService {
  /** Items that a process was running when it was killed tell what became of their runs. */
  async function openSettled(): Promise<WritableDb> {
    const db = await history.open();
    const running = listQueue(db).filter(({ state }) => state === 'running');
    if (running.length === 0 || (await readTrainingHolder(home))) return db;
    for (const { id, run_id } of running) {
      const run = run_id === null ? null : findRun(db, run_id);
      if (run === null) updateQueueItem(db, id, { state: 'waiting', run_id: null, error_message: null });
      else if (run.state === 'finished') updateQueueItem(db, id, { state: 'finished', run_id, error_message: null });
      else updateQueueItem(db, id, { state: 'failed', run_id, error_message: `The run was ${run.state}.` });
    }
    return db;
  }

  async function runItem(db: WritableDb, item: QueueRecord, options: RunQueueOptions): Promise<void> {
    const { signal, onEvent, onWait = () => {} } = options;
    try {
      const config = parseRunConfig(JSON.parse(item.config_json));
      const run = await runs.start({ config, onEvent, onWait, signal });
      updateQueueItem(db, item.id, { state: 'running', run_id: run.id, error_message: null });
      const pause = () => run.end('paused');
      signal.addEventListener('abort', pause);
      await run.result.finally(() => signal.removeEventListener('abort', pause));
      updateQueueItem(db, item.id, { state: 'finished', run_id: run.id, error_message: null });
    } catch (error) {
      const known = listQueue(db).find(({ id }) => id === item.id);
      // A run that ended before its first step has left no record to point to.
      const run_id = known?.run_id && findRun(db, known.run_id) ? known.run_id : null;
      const isUntouched = error instanceof Interrupted && run_id === null;
      const error_message = error instanceof Error ? error.message : String(error);
      updateQueueItem(db, item.id, { state: isUntouched ? 'waiting' : 'failed', run_id, error_message });
      if (!(error instanceof AppError || error instanceof Interrupted)) throw error;
    }
  }

  return {
    list: async () => listQueue(await openSettled()),
    async add(config) {
      const db = await history.open();
      const absolute = makePathsAbsolute(config, process.cwd());
      const id = crypto.randomUUID();
      insertQueueItem(db, {
        id,
        name: nameRun(absolute),
        config_json: JSON.stringify(absolute),
        added_at: Date.now(),
      });
      return found(db, id);
    },
    async remove(item) {
      const db = await history.open();
      const record = found(db, item);
      if (record.state === 'running' && runs.active().some(({ id }) => id === record.run_id)) {
        throw new AppError('queue/running', `"${record.name}" is being run`, { hint: 'Stop the run first.' });
      }
      deleteQueueItem(db, record.id);
      return record;
    },
    reorder: async (ids) => reorderQueue(await history.open(), ids),
    async runAll(options) {
      const db = await openSettled();
      let count = 0;
      while (!options.signal.aborted && (options.mayGoOn?.() ?? true)) {
        const item = claimNextQueueItem(db);
        if (item === null) break;
        options.onItem?.(item);
        await runItem(db, item, options);
        count++;
      }
      return count;
    },
  };
}

function found(db: WritableDb, item: string): QueueRecord {
  const matches = item === '' ? [] : listQueue(db).filter(({ id }) => id.startsWith(item));
  const [only] = matches;
  if (only && matches.length === 1) return only;
  throw new AppError('queue/unknown', `"${item}" names ${matches.length} items of the queue, not one`, {
    hint: '`tunesmith queue list` shows them.',
  });
}
