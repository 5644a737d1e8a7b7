/**
 * @file Downloads that are not finished.
 */
import { execute, type ReadableDb, selectAll, selectOne, type WritableDb } from './database.ts';

export interface DownloadRow {
  readonly id: string;
  readonly model: string;
  readonly revision: string;
  readonly requested_revision: string;
  /** Absolute path. */
  readonly dir: string;
  readonly total_bytes: number;
  /** 1 = the person paused it. */
  readonly paused: 0 | 1;
  /** Why it failed, null where it did not. */
  readonly error_json: string | null;
  readonly added_at: number;
}

/** One of the same folder is replaced and keeps its id and its time. */
export function upsertDownload(db: WritableDb, row: DownloadRow): void {
  execute(
    db,
    `INSERT INTO downloads (id, model, revision, requested_revision, dir, total_bytes, paused, error_json, added_at)
     VALUES (@id, @model, @revision, @requested_revision, @dir, @total_bytes, @paused, @error_json, @added_at)
     ON CONFLICT (dir) DO UPDATE SET
       model = excluded.model, revision = excluded.revision, requested_revision = excluded.requested_revision,
       total_bytes = excluded.total_bytes, paused = excluded.paused, error_json = excluded.error_json`,
    { ...row },
  );
}

/** In the order they were begun. */
export function listDownloads(db: ReadableDb): DownloadRow[] {
  return selectAll<DownloadRow>(db, 'SELECT * FROM downloads ORDER BY added_at, id');
}

export function findDownload(db: ReadableDb, id: string): DownloadRow | null {
  return selectOne<DownloadRow>(db, 'SELECT * FROM downloads WHERE id = @id', { id });
}

export function findDownloadByDir(db: ReadableDb, dir: string): DownloadRow | null {
  return selectOne<DownloadRow>(db, 'SELECT * FROM downloads WHERE dir = @dir', { dir });
}

export function setDownloadEnd(db: WritableDb, id: string, end: Pick<DownloadRow, 'paused' | 'error_json'>): void {
  execute(db, 'UPDATE downloads SET paused = @paused, error_json = @error_json WHERE id = @id', { id, ...end });
}

export function moveDownload(db: WritableDb, from: string, to: string): void {
  execute(db, 'UPDATE downloads SET dir = @to WHERE dir = @from', { from, to });
}

export function deleteDownload(db: WritableDb, id: string): void {
  execute(db, 'DELETE FROM downloads WHERE id = @id', { id });
}
