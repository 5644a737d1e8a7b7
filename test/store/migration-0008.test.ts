import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0008-keep-notice-values', () => {
  it('keeps notices of before as the sentences that they are', () => {
    const db = new Database(':memory:');
    runMigrations(db, MIGRATIONS.slice(0, 7));
    db.pragma('foreign_keys = OFF');
    const old = { run_id: 'r', step: 1, code: 'engine/eager', message: 'It is slow.', at: 5 };
    const sql = 'INSERT INTO notices (run_id, step, code, message, at) VALUES (@run_id, @step, @code, @message, @at)';
    db.prepare(sql).run(old);
    runMigrations(db);
    expect(db.prepare('SELECT * FROM notices').get()).toEqual({ id: 1, ...old, values_json: null });
  });
});
