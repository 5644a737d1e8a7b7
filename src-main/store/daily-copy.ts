/**
 * @file One copy of the history a day, the last seven kept: names, tags, notes, queue, drafts and settings exist nowhere else.
 */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { copyDatabase, type ReadableDb } from './database.ts';

const KEPT = 7;
const COPY_NAME = /^history-\d{4}-\d{2}-\d{2}\.sqlite$/;

/** Makes today's copy if there is none. @returns its path, null where it was there already */
export async function makeDailyCopy(db: ReadableDb, folder: string, now = new Date()): Promise<string | null> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `history-${now.toISOString().slice(0, 10)}.sqlite`);
  if (listCopies(folder).includes(file)) return null;
  const partial = `${file}.partial-${process.pid}`;
  try {
    await copyDatabase(db, partial);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
  for (const old of listCopies(folder).slice(KEPT)) rmSync(old, { force: true });
  return file;
}

/** Absolute paths, newest first. */
export function listCopies(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => COPY_NAME.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => path.join(folder, name));
}
