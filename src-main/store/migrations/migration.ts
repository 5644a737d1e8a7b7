/**
 * @file What a migration is. One file each, named by its number; what was released is never edited, only followed by another.
 */
import type { Database } from 'better-sqlite3';

export interface Migration {
  /** Kept in `PRAGMA user_version`; each is one more than the one before. */
  readonly version: number;
  /** Runs inside a transaction. */
  up(db: Database): void;
}
