/**
 * @file Settings, one row each. What a key means and what its value may be is checked by the settings service.
 */
import { execute, type ReadableDb, selectAll, type WritableDb } from './database.ts';

/** All values as JSON text, by key. */
export function readSettings(db: ReadableDb): Map<string, string> {
  const rows = selectAll<{ key: string; value_json: string }>(db, 'SELECT key, value_json FROM settings');
  return new Map(rows.map(({ key, value_json }) => [key, value_json]));
}

export function writeSetting(db: WritableDb, key: string, valueJson: string, now: number): void {
  execute(
    db,
    `INSERT INTO settings (key, value_json, updated_at) VALUES (@key, @valueJson, @now)
     ON CONFLICT (key) DO UPDATE SET value_json = excluded.value_json, updated_at = excluded.updated_at`,
    { key, valueJson, now },
  );
}

export function deleteSetting(db: WritableDb, key: string): void {
  execute(db, 'DELETE FROM settings WHERE key = @key', { key });
}
