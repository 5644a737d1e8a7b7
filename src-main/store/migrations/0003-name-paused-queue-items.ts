/**
 * @file An item of the queue whose run was paused or stopped says so. SQLite changes no CHECK of a table that is there, so the table is
 * made anew. Items that were called failed though their run was not are named by their run.
 */
import type { Migration } from './migration.ts';

const SQL = `
CREATE TABLE queue_new (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'paused', 'stopped', 'finished', 'failed')),
  config_json TEXT NOT NULL,
  run_id TEXT REFERENCES runs (id) ON DELETE SET NULL,
  error_message TEXT,
  added_at INTEGER NOT NULL
) STRICT;
INSERT INTO queue_new (id, name, position, state, config_json, run_id, error_message, added_at)
  SELECT id, name, position, state, config_json, run_id, error_message, added_at FROM queue;
DROP TABLE queue;
ALTER TABLE queue_new RENAME TO queue;
CREATE INDEX queue_by_position ON queue (state, position);
UPDATE queue SET error_message = NULL, state = (
    SELECT CASE state WHEN 'interrupted' THEN 'paused' ELSE state END FROM runs WHERE runs.id = queue.run_id)
  WHERE state = 'failed'
    AND run_id IN (SELECT id FROM runs WHERE state IN ('paused', 'stopped', 'interrupted', 'finished'));
`;

export const namePausedQueueItems: Migration = { version: 3, up: (db) => db.exec(SQL) };
