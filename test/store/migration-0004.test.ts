import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { MIGRATIONS, runMigrations } from '../../src-main/store/migrations/run-migrations.ts';
import {
  deleteDownload,
  findDownloadByDir,
  listDownloads,
  setDownloadEnd,
  upsertDownload,
} from '../../src-main/store/downloads.ts';
import { openHistory } from './support.ts';

const ROW = {
  id: 'd1',
  model: 'maker/tiny',
  revision: 'abc',
  requested_revision: 'main',
  dir: '/models/tiny',
  total_bytes: 9,
  paused: 0,
  error_json: null,
  added_at: 5,
} as const;

it('0004-add-downloads keeps the models of before', () => {
  const db = new Database(':memory:');
  runMigrations(db, MIGRATIONS.slice(0, 3));
  db.exec(`INSERT INTO models VALUES ('m', 'Tiny', '/m', 'imported', 'llama', 5, NULL, NULL, 1)`);
  runMigrations(db);
  expect(db.prepare('SELECT name FROM models').pluck().all()).toEqual(['Tiny']);
  expect(db.prepare('SELECT COUNT(*) FROM downloads').pluck().get()).toBe(0);
});

it('a download that is begun again in its folder stays the same one', () => {
  const db = openHistory();
  upsertDownload(db, ROW);
  setDownloadEnd(db, 'd1', { paused: 0, error_json: '{}' });
  upsertDownload(db, { ...ROW, id: 'd2', revision: 'def', added_at: 8 });
  expect(listDownloads(db)).toEqual([{ ...ROW, revision: 'def' }]);
  expect(findDownloadByDir(db, '/models/tiny')?.id).toBe('d1');
  deleteDownload(db, 'd1');
  expect(listDownloads(db)).toEqual([]);
});
