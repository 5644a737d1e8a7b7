/**
 * @file Evaluations of classifiers have no perplexity. SQLite takes no NOT NULL away from a column that is there, so the table is made anew,
 * and with it the one that refers to it.
 */
import type { Migration } from './migration.ts';

const SQL = `
CREATE TABLE evaluations_new (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  eval_loss REAL NOT NULL,
  perplexity REAL,
  best INTEGER NOT NULL CHECK (best IN (0, 1)),
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;
INSERT INTO evaluations_new (run_id, step, eval_loss, perplexity, best)
  SELECT run_id, step, eval_loss, perplexity, best FROM evaluations;
CREATE TABLE evaluation_metrics_new (
  run_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run_id, step, name),
  FOREIGN KEY (run_id, step) REFERENCES evaluations_new (run_id, step) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO evaluation_metrics_new (run_id, step, name, value)
  SELECT run_id, step, name, value FROM evaluation_metrics;
DROP TABLE evaluation_metrics;
DROP TABLE evaluations;
ALTER TABLE evaluations_new RENAME TO evaluations;
ALTER TABLE evaluation_metrics_new RENAME TO evaluation_metrics;
`;

export const allowNoPerplexity: Migration = { version: 6, up: (db) => db.exec(SQL) };
