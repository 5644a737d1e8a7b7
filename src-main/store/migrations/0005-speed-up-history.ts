/**
 * @file A search reads one short text a run instead of the runs' long rows, and a list sorted by any column comes from an index alone.
 */
import type { Database } from 'better-sqlite3';
import type { Migration } from './migration.ts';

const SQL = `
CREATE TABLE run_texts (
  run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
DROP INDEX runs_listed;
CREATE INDEX runs_listed ON runs (created_at, id, trashed_at, name, state, model_name, method_summary, data_summary,
  final_loss, best_eval_loss, elapsed_ms, ended_at) WHERE trashed_at IS NULL;
CREATE INDEX runs_by_model ON runs (model_path);
`;

/** As the history of this version writes them: run-texts.ts may go on from here, a migration stays. */
function fillTexts(db: Database): void {
  const runs = db
    .prepare(
      `SELECT id, concat_ws(' ', name, model_name, data_summary, method_summary, state, notes, id,
         (SELECT group_concat(tag, ' ') FROM run_tags WHERE run_id = runs.id)) AS text FROM runs`,
    )
    .all() as { id: string; text: string }[];
  const insert = db.prepare('INSERT INTO run_texts (run_id, text) VALUES (?, ?)');
  for (const { id, text } of runs) insert.run(id, text.normalize('NFC').toLowerCase());
}

export const speedUpHistory: Migration = {
  version: 5,
  up(db) {
    db.exec(SQL);
    fillTexts(db);
  },
};
