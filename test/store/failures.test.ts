import Database from 'better-sqlite3';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listCopies, makeDailyCopy } from '../../src-main/store/daily-copy.ts';
import { closeDatabase, isIntact, openDatabase } from '../../src-main/store/database.ts';
import { findRun, insertRun, updateRun } from '../../src-main/store/runs.ts';
import { explainStoreError } from '../../src-main/store/store-errors.ts';
import { newRun } from './support.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-store-'));
  file = path.join(folder, 'history.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('what SQLite fails with', () => {
  it('busy: another process holds the database for long', () => {
    const db = openDatabase(file);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    expect(() => insertRun(db, newRun())).toThrow(
      expect.objectContaining({ code: 'store/busy', kind: 'environment', hint: expect.stringContaining('Wait') }),
    );
    other.close();
    closeDatabase(db);
  }, 30_000);

  it('corrupt: not a database at all', () => {
    writeFileSync(file, 'x'.repeat(8192));
    expect(() => openDatabase(file)).toThrow(expect.objectContaining({ code: 'store/corrupt' }));
  });

  it('read-only: the folder cannot be made', () => {
    mkdirSync(file);
    expect(() => openDatabase(file)).toThrow(expect.objectContaining({ code: 'store/read-only' }));
  });

  it('full and read-only in mid-use are told apart', () => {
    const failure = (code: string) => explainStoreError(Object.assign(new Error('x'), { code }));
    expect(failure('SQLITE_FULL')).toMatchObject({ code: 'store/full', kind: 'environment' });
    expect(failure('SQLITE_READONLY_DBMOVED')).toMatchObject({ code: 'store/read-only' });
    expect(failure('SQLITE_CONSTRAINT_CHECK')).not.toHaveProperty('kind');
  });
});

describe('daily copies', () => {
  it('are made once a day, and seven are kept', async () => {
    const db = openDatabase(file);
    insertRun(db, newRun({ notes: 'irreplaceable' }));
    const copies = path.join(folder, 'copies');
    for (let day = 1; day <= 9; day++) {
      expect(await makeDailyCopy(db, copies, new Date(Date.UTC(2030, 0, day)))).not.toBeNull();
    }
    expect(await makeDailyCopy(db, copies, new Date(Date.UTC(2030, 0, 9)))).toBeNull();
    expect(readdirSync(copies).sort()).toEqual([3, 4, 5, 6, 7, 8, 9].map((day) => `history-2030-01-0${day}.sqlite`));
    updateRun(db, 'r1', { notes: 'lost' });
    closeDatabase(db);
    const copy = openDatabase(listCopies(copies)[0] ?? '');
    expect(isIntact(copy)).toBe(true);
    expect(findRun(copy, 'r1')?.notes).toBe('irreplaceable');
    closeDatabase(copy);
  });
});
