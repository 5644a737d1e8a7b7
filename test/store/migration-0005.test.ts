import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0005-speed-up-history', () => {
  it('makes the runs that there are findable, with their tags and notes', () => {
    const db = new Database(':memory:');
    db.pragma('foreign_keys = ON');
    runMigrations(db, MIGRATIONS.slice(0, 4));
    db.exec(`INSERT INTO runs
      (id, name, dir, state, created_at, task_type, model_path, model_name, method, method_summary, data_summary, config_json, notes)
      VALUES ('r', 'ÄPFEL', '/d', 'finished', 1, 'CAUSAL_LM', '/m', 'Tiny', 'LORA', 'LoRA r8', 'rows.csv', '{}', 'Good')`);
    db.exec(`INSERT INTO run_tags (run_id, tag) VALUES ('r', 'Best'), ('r', 'of all')`);
    runMigrations(db, MIGRATIONS.slice(0, 5));
    expect(db.prepare('SELECT text FROM run_texts').pluck().all()).toEqual([
      'äpfel tiny rows.csv lora r8 finished good r best of all',
    ]);
    db.exec(`DELETE FROM runs WHERE id = 'r'`);
    expect(db.prepare('SELECT count(*) FROM run_texts').pluck().get()).toBe(0);
  });
});
