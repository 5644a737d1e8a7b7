/**
 * @file A run can lie in the trash: not listed, its files untouched, until it is restored or deleted.
 */
import type { Migration } from './migration.ts';

const SQL = `
ALTER TABLE runs ADD COLUMN trashed_at INTEGER;
`;

export const addTrash: Migration = { version: 2, up: (db) => db.exec(SQL) };
