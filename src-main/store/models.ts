/**
 * @file Models that the person has added.
 */
import type { ModelRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, selectOne, type WritableDb } from './database.ts';

/** A model of the same path is replaced. */
export function upsertModel(db: WritableDb, model: ModelRecord): void {
  execute(
    db,
    `INSERT INTO models (id, name, path, source, model_type, size_bytes, context_tokens, licence, added_at)
     VALUES (@id, @name, @path, @source, @model_type, @size_bytes, @context_tokens, @licence, @added_at)
     ON CONFLICT (path) DO UPDATE SET
       name = excluded.name, source = excluded.source, model_type = excluded.model_type,
       size_bytes = excluded.size_bytes, context_tokens = excluded.context_tokens, licence = excluded.licence`,
    { ...model },
  );
}

/** By name. */
export function listModels(db: ReadableDb): ModelRecord[] {
  return selectAll<ModelRecord>(db, 'SELECT * FROM models ORDER BY name COLLATE NOCASE, path');
}

export function findModelByPath(db: ReadableDb, path: string): ModelRecord | null {
  return selectOne<ModelRecord>(db, 'SELECT * FROM models WHERE path = @path', { path });
}

export function deleteModel(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM models WHERE id = @id', { id }) > 0;
}
