/**
 * @file Downloads that are not finished, so that they are found again after a restart wherever they lie. How far they are is on disk.
 */
import type { Migration } from './migration.ts';

const SQL = `
CREATE TABLE downloads (
  id TEXT PRIMARY KEY,
  model TEXT NOT NULL,
  revision TEXT NOT NULL,
  requested_revision TEXT NOT NULL,
  dir TEXT NOT NULL UNIQUE,
  total_bytes INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  error_json TEXT,
  added_at INTEGER NOT NULL
) STRICT;
`;

export const addDownloads: Migration = { version: 4, up: (db) => db.exec(SQL) };
