import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0002-add-trash', () => {
  it('leaves the runs that there are outside of the trash', () => {
    const db = new Database(':memory:');
    runMigrations(db, MIGRATIONS.slice(0, 1));
    db.exec(`INSERT INTO runs
      (id, name, dir, state, created_at, task_type, model_path, model_name, method, method_summary, data_summary, config_json)
      VALUES ('r', 'n', '/d', 'finished', 1, 'CAUSAL_LM', '/m', 'm', 'LORA', 's', 'd', '{}')`);
    runMigrations(db);
    expect(db.prepare('SELECT id, name, trashed_at FROM runs').all()).toEqual([
      { id: 'r', name: 'n', trashed_at: null },
    ]);
  });
});
