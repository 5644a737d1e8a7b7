/**
 * @file The history as the services share it: opened at its first use, mended where it is damaged, copied once a day.
 *
 *     <home>/history.sqlite   <home>/history-copies/history-<date>.sqlite   <home>/runs/<id>/
 */
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import { makeFolder } from '../jobs/make-folder.ts';
import { listCopies, makeDailyCopy } from '../store/daily-copy.ts';
import { closeDatabase, isIntact, openDatabase, type WritableDb } from '../store/database.ts';
import type { Notice } from './notice.ts';
import { rebuildHistory, recoverOrphans } from './rebuild-history.ts';

/** Name of the database in the home. */
export const HISTORY_FILE = 'history.sqlite';

export interface HistoryOptions {
  /** Absolute path; made at the first use. */
  readonly home: string;
  readonly onNotice: (notice: Notice) => void;
}

export interface History {
  /** Opens the database at the first call: mends it, and reads back what crashed runs left. @throws store/… and home/not-writable */
  open(): Promise<WritableDb>;
  /** Waits for the daily copy. */
  close(): Promise<void>;
}

export function createHistory({ home, onNotice }: HistoryOptions): History {
  let opening: Promise<WritableDb> | null = null;
  let copying: Promise<unknown> = Promise.resolve();
  const open = async () => {
    await makeHome(home);
    const { db, mended } = openOrMend(home, onNotice);
    if (mended) await rebuildHistory(db, path.join(home, 'runs'));
    await recoverOrphans(db, onNotice);
    copying = makeDailyCopy(db, copiesFolder(home)).catch((error: unknown) =>
      onNotice(
        makeNotice('store/copy-failed', { reason: String(error) }, `No copy of the history was made: ${String(error)}`),
      ),
    );
    return db;
  };
  return {
    open: () => (opening ??= open()),
    async close() {
      const db = await opening?.catch(() => null);
      await copying;
      if (db) closeDatabase(db);
      opening = null;
    },
  };
}

function openOrMend(home: string, onNotice: (notice: Notice) => void): { db: WritableDb; mended: boolean } {
  const file = path.join(home, HISTORY_FILE);
  const isNew = !existsSync(file);
  try {
    return { db: openDatabase(file), mended: isNew };
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'store/corrupt')) throw error;
  }
  const aside = setAside(file);
  const copy = listCopies(copiesFolder(home)).find((candidate) => isUsable(candidate));
  if (copy) copyFileSync(copy, file);
  const date = copy ? path.basename(copy, '.sqlite').slice('history-'.length) : null;
  const from = date === null ? 'no copy' : `the copy of ${date}`;
  const message = `The history was damaged. It was made anew from ${from} and the run folders; the damaged file is ${aside}.`;
  onNotice(makeNotice('store/mended', { copy: date, aside }, message));
  return { db: openDatabase(file), mended: true };
}

async function makeHome(home: string): Promise<void> {
  try {
    await makeFolder(copiesFolder(home));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('home/not-writable', error.message, {
      kind: 'environment',
      hint: 'Set TUNESMITH_HOME to a folder that you can write to.',
      cause: error,
    });
  }
}

/** The write-ahead log belongs to the damaged file. */
function setAside(file: string): string {
  const aside = `${file}.damaged-${Date.now()}`;
  renameSync(file, aside);
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  return aside;
}

function isUsable(file: string): boolean {
  try {
    const db = openDatabase(file);
    const intact = isIntact(db);
    closeDatabase(db);
    return intact;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

function copiesFolder(home: string): string {
  return path.join(home, 'history-copies');
}
