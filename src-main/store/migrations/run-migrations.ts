/**
 * @file Brings a database to the newest version, one transaction a step.
 */
import type { Database } from 'better-sqlite3';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { createHistory } from './0001-create-history.ts';
import { addTrash } from './0002-add-trash.ts';
import { namePausedQueueItems } from './0003-name-paused-queue-items.ts';
import { addDownloads } from './0004-add-downloads.ts';
import { speedUpHistory } from './0005-speed-up-history.ts';
import { allowNoPerplexity } from './0006-allow-no-perplexity.ts';
import { keepExportCertificates } from './0007-keep-export-certificates.ts';
import { keepNoticeValues } from './0008-keep-notice-values.ts';
import type { Migration } from './migration.ts';

/** In the order of their versions. */
export const MIGRATIONS: readonly Migration[] = [
  createHistory,
  addTrash,
  namePausedQueueItems,
  addDownloads,
  speedUpHistory,
  allowNoPerplexity,
  keepExportCertificates,
  keepNoticeValues,
];

/** @throws store/too-new where a later release has written the database */
export function runMigrations(db: Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  if (readVersion(db) > newest) {
    throw new AppError('store/too-new', `The history was written by a newer Tunesmith (version ${readVersion(db)})`, {
      kind: 'environment',
      hint: 'Update Tunesmith, or set TUNESMITH_HOME to another folder.',
    });
  }
  // Immediate: of two processes that start at once, the second waits and then finds nothing to do.
  const step = db.transaction((migration: Migration) => {
    if (readVersion(db) >= migration.version) return;
    migration.up(db);
    db.pragma(`user_version = ${migration.version}`);
  });
  for (const migration of migrations) if (readVersion(db) < migration.version) step.immediate(migration);
}

function readVersion(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
