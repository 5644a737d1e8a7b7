/**
 * @file What an export was written from, and what was found when it was checked.
 */
import type { Migration } from './migration.ts';

const SQL = `
ALTER TABLE exports ADD COLUMN model_dir TEXT;
ALTER TABLE exports ADD COLUMN adapter_dir TEXT;
ALTER TABLE exports ADD COLUMN certificate_json TEXT;
`;

export const keepExportCertificates: Migration = { version: 7, up: (db) => db.exec(SQL) };
