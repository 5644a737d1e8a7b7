/**
 * @file Checkpoints of a run that are on disk.
 */
import type { CheckpointRecord } from '../../src-shared/domain/history.ts';
import { execute, inTransaction, type ReadableDb, selectAll, type WritableDb } from './database.ts';

export function insertCheckpoint(db: WritableDb, runId: string, checkpoint: CheckpointRecord): void {
  execute(
    db,
    `INSERT OR REPLACE INTO checkpoints (run_id, step, path, best, created_at)
     VALUES (@runId, @step, @path, @best, @created_at)`,
    { runId, ...checkpoint, best: Number(checkpoint.best) },
  );
}

/** Newest first. */
export function listCheckpointRecords(db: ReadableDb, runId: string): CheckpointRecord[] {
  const rows = selectAll<Omit<CheckpointRecord, 'best'> & { best: number }>(
    db,
    'SELECT step, path, best, created_at FROM checkpoints WHERE run_id = @runId ORDER BY step DESC',
    { runId },
  );
  return rows.map((row) => ({ ...row, best: row.best === 1 }));
}

/** Forgets the checkpoints that are no longer on disk. */
export function keepCheckpoints(db: WritableDb, runId: string, steps: readonly number[]): void {
  inTransaction(db, () => {
    for (const { step } of listCheckpointRecords(db, runId)) {
      if (steps.includes(step)) continue;
      execute(db, 'DELETE FROM checkpoints WHERE run_id = @runId AND step = @step', { runId, step });
    }
  });
}
