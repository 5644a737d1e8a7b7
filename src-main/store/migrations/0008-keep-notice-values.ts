/**
 * @file The facts of a notice beside its sentence, so that a window can say it in its own words.
 */
import type { Migration } from './migration.ts';

export const keepNoticeValues: Migration = {
  version: 8,
  up: (db) => db.exec('ALTER TABLE notices ADD COLUMN values_json TEXT;'),
};
