/**
 * @file Data files that were inspected.
 */
import type { DatasetRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, type WritableDb } from './database.ts';

/** A file of the same path is replaced. */
export function upsertDataset(db: WritableDb, dataset: DatasetRecord): void {
  execute(
    db,
    `INSERT INTO datasets (id, name, path, format, rows, faults, size_bytes, inspected_at)
     VALUES (@id, @name, @path, @format, @rows, @faults, @size_bytes, @inspected_at)
     ON CONFLICT (path) DO UPDATE SET
       name = excluded.name, format = excluded.format, rows = excluded.rows, faults = excluded.faults,
       size_bytes = excluded.size_bytes, inspected_at = excluded.inspected_at`,
    { ...dataset },
  );
}

/** Latest first. */
export function listDatasets(db: ReadableDb): DatasetRecord[] {
  return selectAll<DatasetRecord>(db, 'SELECT * FROM datasets ORDER BY inspected_at DESC, path');
}

export function deleteDataset(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM datasets WHERE id = @id', { id }) > 0;
}
