/**
 * @file Runs that wait for the device.
 */
import type { QueueRecord } from '../../src-shared/domain/history.ts';
import { execute, inTransaction, type ReadableDb, selectAll, selectOne, type WritableDb } from './database.ts';

export type NewQueueItem = Pick<QueueRecord, 'id' | 'name' | 'config_json' | 'added_at'>;

/** Appends to the end. @returns its position */
export function insertQueueItem(db: WritableDb, item: NewQueueItem): number {
  return inTransaction(db, () => {
    const last = selectOne<{ position: number | null }>(db, 'SELECT max(position) AS position FROM queue');
    const position = (last?.position ?? 0) + 1;
    execute(
      db,
      `INSERT INTO queue (id, name, position, state, config_json, added_at)
       VALUES (@id, @name, @position, 'waiting', @config_json, @added_at)`,
      { ...item, position },
    );
    return position;
  });
}

/** In their order. */
export function listQueue(db: ReadableDb): QueueRecord[] {
  return selectAll<QueueRecord>(db, 'SELECT * FROM queue ORDER BY position');
}

/** Marks the first waiting item as running, so that no other process takes it too. */
export function claimNextQueueItem(db: WritableDb): QueueRecord | null {
  return selectOne<QueueRecord>(
    db,
    `UPDATE queue SET state = 'running' WHERE id =
       (SELECT id FROM queue WHERE state = 'waiting' ORDER BY position LIMIT 1)
     RETURNING *`,
  );
}

export function updateQueueItem(
  db: WritableDb,
  id: string,
  { state, run_id, error_message }: Pick<QueueRecord, 'state' | 'run_id' | 'error_message'>,
): void {
  execute(db, 'UPDATE queue SET state = @state, run_id = @run_id, error_message = @error_message WHERE id = @id', {
    id,
    state,
    run_id,
    error_message,
  });
}

export function deleteQueueItem(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM queue WHERE id = @id', { id }) > 0;
}

/** Puts the items in this order; items that are not named follow in theirs. */
export function reorderQueue(db: WritableDb, ids: readonly string[]): void {
  inTransaction(db, () => {
    const rest = listQueue(db)
      .map(({ id }) => id)
      .filter((id) => !ids.includes(id));
    for (const [index, id] of [...ids, ...rest].entries()) {
      execute(db, 'UPDATE queue SET position = @position WHERE id = @id', { id, position: index + 1 });
    }
  });
}
