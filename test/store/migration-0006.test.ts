import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0006-allow-no-perplexity', () => {
  it('keeps every evaluation with its figures, and takes one without a perplexity', () => {
    const db = new Database(':memory:');
    db.pragma('foreign_keys = ON');
    runMigrations(db, MIGRATIONS.slice(0, 5));
    db.exec(`INSERT INTO runs
      (id, name, dir, state, created_at, task_type, model_path, model_name, method, method_summary, data_summary, config_json)
      VALUES ('r', 'n', '/r', 'finished', 1, 'CAUSAL_LM', '/m', 'm', 'LORA', 's', 'd', '{}')`);
    db.exec(`INSERT INTO evaluations (run_id, step, eval_loss, perplexity, best) VALUES ('r', 3, 1.5, 4.48, 1)`);
    db.exec(`INSERT INTO evaluation_metrics (run_id, step, name, value) VALUES ('r', 3, 'exact_match', 0.25)`);
    runMigrations(db);
    db.exec(`INSERT INTO evaluations (run_id, step, eval_loss, perplexity, best) VALUES ('r', 6, 0.5, NULL, 0)`);
    db.exec(`INSERT INTO evaluation_metrics (run_id, step, name, value) VALUES ('r', 6, 'accuracy', 0.75)`);
    const rows = db.prepare(
      'SELECT step, perplexity, name, value FROM evaluations JOIN evaluation_metrics USING (run_id, step)',
    );
    expect(rows.raw().all()).toEqual([
      [3, 4.48, 'exact_match', 0.25],
      [6, null, 'accuracy', 0.75],
    ]);
    expect(() =>
      db.exec(`INSERT INTO evaluation_metrics (run_id, step, name, value) VALUES ('r', 9, 'f1', 1)`),
    ).toThrow(/FOREIGN KEY/);
    db.exec(`DELETE FROM runs`);
    expect(db.prepare('SELECT count(*) FROM evaluation_metrics').pluck().get()).toBe(0);
  });
});
