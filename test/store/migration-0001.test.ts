import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';

const migrated = () => {
  const db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
  runMigrations(db, MIGRATIONS.slice(0, 1));
  return db;
};

const RUN = `INSERT INTO runs
  (id, name, dir, state, created_at, task_type, model_path, model_name, method, method_summary, data_summary, config_json)
  VALUES ('r', 'n', '/d', 'running', 1, 'CAUSAL_LM', '/m', 'm', 'LORA', 's', 'd', '{}')`;

describe('0001-create-history', () => {
  it('makes strict tables and counts its version', () => {
    const db = migrated();
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    const tables = db.prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").all();
    const ours = (tables as { name: string; strict: number }[]).filter(({ name }) => !name.startsWith('sqlite_'));
    expect(ours.map(({ name }) => name).sort()).toEqual([
      'checkpoints',
      'datasets',
      'drafts',
      'evaluation_metrics',
      'evaluations',
      'exports',
      'metrics',
      'models',
      'notices',
      'queue',
      'run_tags',
      'runs',
      'samples',
      'settings',
    ]);
    expect(ours.filter(({ strict }) => strict !== 1)).toEqual([]);
  });

  it('runs once', () => {
    const db = migrated();
    db.exec(RUN);
    runMigrations(db);
    expect(db.prepare('SELECT count(*) AS n FROM runs').get()).toEqual({ n: 1 });
  });

  it('knows only the states there are', () => {
    const db = migrated();
    expect(() => db.exec(RUN.replace("'running'", "'flying'"))).toThrow(/CHECK constraint/);
  });

  it('deletes with a run what is its own, and keeps the record of exported files', () => {
    const db = migrated();
    db.exec(RUN);
    db.exec("INSERT INTO metrics VALUES ('r', 1, 1.0, 1.0, 1.0, 1.0, 1, 1, 0.1, 1.0)");
    db.exec("INSERT INTO evaluations VALUES ('r', 1, 1.0, 2.0, 1)");
    db.exec("INSERT INTO evaluation_metrics VALUES ('r', 1, 'accuracy', 0.5)");
    db.exec("INSERT INTO exports VALUES ('e', 'r', 'peft', '/out', 10, 1)");
    db.exec("DELETE FROM runs WHERE id = 'r'");
    for (const table of ['metrics', 'evaluations', 'evaluation_metrics']) {
      expect(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 });
    }
    expect(db.prepare('SELECT run_id, path FROM exports').all()).toEqual([{ run_id: null, path: '/out' }]);
  });
});

describe('running migrations', () => {
  it('takes a failing one back whole', () => {
    const db = new Database(':memory:');
    const failing = {
      version: 1,
      up: (target: Database.Database) => {
        target.exec('CREATE TABLE half (x)');
        target.exec('nonsense');
      },
    };
    expect(() => runMigrations(db, [failing])).toThrow(/syntax error/);
    expect(db.pragma('user_version', { simple: true })).toBe(0);
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()).toEqual({ n: 0 });
  });

  it('refuses a database of a later release', () => {
    const db = new Database(':memory:');
    db.pragma('user_version = 99');
    expect(() => runMigrations(db)).toThrow(expect.objectContaining({ code: 'store/too-new', kind: 'environment' }));
  });

  it('numbers them without gaps', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });
});
