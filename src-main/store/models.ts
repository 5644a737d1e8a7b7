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

export function moveModel(db: WritableDb, from: string, to: string): void {
  execute(db, 'UPDATE models SET path = @to WHERE path = @from', { from, to });
}

export function deleteModel(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM models WHERE id = @id', { id }) > 0;
}

/** Runs outside of the trash that start from the model. */
export function countRunsOfModel(db: ReadableDb, path: string): number {
  const sql = 'SELECT COUNT(*) AS runs FROM runs WHERE model_path = @path AND trashed_at IS NULL';
  return selectOne<{ runs: number }>(db, sql, { path })?.runs ?? 0;
}

/** Names of runs at work that start from the model. */
export function listRunsAtWork(db: ReadableDb, path: string): string[] {
  const sql = "SELECT name FROM runs WHERE model_path = @path AND state IN ('preparing', 'running')";
  return selectAll<{ name: string }>(db, sql, { path }).map(({ name }) => name);
}
