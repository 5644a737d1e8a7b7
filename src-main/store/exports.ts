/**
 * @file What was exported, and where to.
 */
import type { ExportRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, type WritableDb } from './database.ts';

export function insertExport(db: WritableDb, record: ExportRecord): void {
  execute(
    db,
    `INSERT INTO exports (id, run_id, format, path, size_bytes, created_at)
     VALUES (@id, @run_id, @format, @path, @size_bytes, @created_at)`,
    { ...record },
  );
}

/** Latest first. */
export function listExports(db: ReadableDb, runId: string): ExportRecord[] {
  const sql = 'SELECT * FROM exports WHERE run_id = @runId ORDER BY created_at DESC, id';
  return selectAll<ExportRecord>(db, sql, { runId });
}
