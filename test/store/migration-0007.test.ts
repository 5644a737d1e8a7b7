import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

describe('0007-keep-export-certificates', () => {
  it('keeps exports of before, as not checked', () => {
    const db = new Database(':memory:');
    runMigrations(db, MIGRATIONS.slice(0, 6));
    db.exec(
      `INSERT INTO exports (id, run_id, format, path, size_bytes, created_at) VALUES ('e', NULL, 'peft', '/o', 3, 1)`,
    );
    runMigrations(db);
    expect(db.prepare('SELECT * FROM exports').get()).toEqual({
      id: 'e',
      run_id: null,
      format: 'peft',
      path: '/o',
      size_bytes: 3,
      created_at: 1,
      model_dir: null,
      adapter_dir: null,
      certificate_json: null,
    });
  });
});
