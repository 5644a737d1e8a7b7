/**
 * @file A run can lie in the trash: not listed, its files untouched, until it is restored or deleted.
 */
import type { Migration } from './migration.ts';

const SQL = `
ALTER TABLE runs ADD COLUMN trashed_at INTEGER;
-- The list of runs is counted and paged without reading their rows, which hold long configurations.
CREATE INDEX runs_listed ON runs (created_at, id, trashed_at) WHERE trashed_at IS NULL;
CREATE INDEX runs_trashed ON runs (created_at, id, trashed_at) WHERE trashed_at IS NOT NULL;
`;

export const addTrash: Migration = { version: 2, up: (db) => db.exec(SQL) };
