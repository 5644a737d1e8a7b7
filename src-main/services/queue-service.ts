/**
 * @file Runs that wait for their turn: kept in the history, so they survive restarts.
 */
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { QueueRecord, QueueState, RunRecord, RunState } from '../../src-shared/domain/history.ts';
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
import type { ActiveRun, EndWish } from './run-follower.ts';
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
  /** Being started here: they have no run yet. */
  const claimed = new Set<string>();

  /** Items with a run are as their run is, resumed or finished since; those that a process was starting when it was killed wait again. */
  async function openSettled(): Promise<WritableDb> {
    const db = await history.open();
    const isBusy = (await readTrainingHolder(home)) !== null;
    for (const item of listQueue(db)) {
      const run = item.run_id === null ? null : findRun(db, item.run_id);
      if (run) follow(db, item, run);
      else if (item.state === 'running' && !isBusy && !claimed.has(item.id)) setState(db, item, 'waiting', null);
    }
    return db;
  }

  async function runItem(db: WritableDb, item: QueueRecord, options: RunQueueOptions): Promise<void> {
    const { signal, onEvent, onWait = () => {} } = options;
    let run: ActiveRun | null = null;
    claimed.add(item.id);
    try {
      const config = parseRunConfig(JSON.parse(item.config_json));
      run = await runs.start({ config, onEvent, onWait, signal });
      setState(db, { ...item, run_id: run.id }, 'running', null);
      await followRun(run, signal);
    } catch (error) {
      // A run that ended before its first step has left no record to follow.
      if (!findItemRun(db, run)) recordEnd(db, item, error, run?.wish() ?? null);
      if (!(error instanceof AppError || error instanceof Interrupted)) throw error;
    } finally {
      claimed.delete(item.id);
      const record = findItemRun(db, run);
      if (record) follow(db, { ...item, state: 'running' }, record);
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

const STATE_OF_ITEM: Readonly<Record<RunState, QueueState>> = {
  preparing: 'running',
  running: 'running',
  paused: 'paused',
  interrupted: 'paused',
  stopped: 'stopped',
  finished: 'finished',
  failed: 'failed',
};

async function followRun(run: ActiveRun, signal: AbortSignal): Promise<void> {
  const pause = () => run.end('paused');
  signal.addEventListener('abort', pause);
  await run.result.finally(() => signal.removeEventListener('abort', pause));
}

function findItemRun(db: WritableDb, run: ActiveRun | null): RunRecord | null {
  return run && findRun(db, run.id);
}

/** Of an item whose run never began; it waits again unless it failed or the person stopped it. */
function recordEnd(db: WritableDb, item: QueueRecord, error: unknown, wish: EndWish | null): void {
  const never = { ...item, run_id: null };
  if (error instanceof Interrupted) setState(db, never, wish === 'stopped' ? 'stopped' : 'waiting', null);
  else setState(db, never, 'failed', error instanceof Error ? error.message : String(error));
}

function follow(db: WritableDb, item: QueueRecord, run: RunRecord): void {
  const state = STATE_OF_ITEM[run.state];
  if (item.state !== state || item.run_id !== run.id)
    setState(db, { ...item, run_id: run.id }, state, run.error_message);
}

function setState(db: WritableDb, { id, run_id }: QueueRecord, state: QueueState, error_message: string | null): void {
  updateQueueItem(db, id, { state, run_id, error_message });
}

function found(db: WritableDb, item: string): QueueRecord {
  const matches = item === '' ? [] : listQueue(db).filter(({ id }) => id.startsWith(item));
  const [only] = matches;
  if (only && matches.length === 1) return only;
  throw new AppError('queue/unknown', `"${item}" names ${matches.length} items of the queue, not one`, {
    hint: '`tunesmith queue list` shows them.',
  });
}
