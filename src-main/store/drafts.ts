/**
 * @file Runs that are being set up in the wizard.
 */
import type { DraftRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, selectOne, type WritableDb } from './database.ts';

export function upsertDraft(db: WritableDb, draft: DraftRecord): void {
  execute(
    db,
    `INSERT INTO drafts (id, name, content_json, updated_at) VALUES (@id, @name, @content_json, @updated_at)
     ON CONFLICT (id) DO UPDATE SET
       name = excluded.name, content_json = excluded.content_json, updated_at = excluded.updated_at`,
    { ...draft },
  );
}

/** Latest first. */
export function listDrafts(db: ReadableDb): DraftRecord[] {
  return selectAll<DraftRecord>(db, 'SELECT * FROM drafts ORDER BY updated_at DESC, id');
}

export function findDraft(db: ReadableDb, id: string): DraftRecord | null {
  return selectOne<DraftRecord>(db, 'SELECT * FROM drafts WHERE id = @id', { id });
}

export function deleteDraft(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM drafts WHERE id = @id', { id }) > 0;
}
