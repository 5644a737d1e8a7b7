import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0003-name-paused-queue-items', () => {
  it('keeps the queue, and names items that were called failed by what became of their run', () => {
    const db = new Database(':memory:');
    runMigrations(db, MIGRATIONS.slice(0, 2));
    const states = ['paused', 'stopped', 'interrupted', 'finished', 'failed'];
    for (const state of states) {
      db.exec(`INSERT INTO runs
        (id, name, dir, state, created_at, task_type, model_path, model_name, method, method_summary, data_summary, config_json)
        VALUES ('${state}', 'n', '/${state}', '${state}', 1, 'CAUSAL_LM', '/m', 'm', 'LORA', 's', 'd', '{}')`);
    }
    const add = db.prepare(
      `INSERT INTO queue (id, name, position, state, config_json, run_id, error_message, added_at)
       VALUES (@run, 'n', @position, @state, '{}', @run_id, 'why', 5)`,
    );
    for (const [position, run] of states.entries()) add.run({ run, position, state: 'failed', run_id: run });
    add.run({ run: 'next', position: 9, state: 'waiting', run_id: null });
    runMigrations(db);
    expect(db.prepare('SELECT id, state, error_message FROM queue ORDER BY position').raw().all()).toEqual([
      ['paused', 'paused', null],
      ['stopped', 'stopped', null],
      ['interrupted', 'paused', null],
      ['finished', 'finished', null],
      ['failed', 'failed', 'why'],
      ['next', 'waiting', 'why'],
    ]);
    db.pragma('foreign_keys = ON');
    db.exec(`DELETE FROM runs WHERE id = 'paused'`);
    expect(db.prepare(`SELECT run_id FROM queue WHERE id = 'paused'`).pluck().get()).toBeNull();
  });
});
