/**
 * @file The history's database: opening it, the two kinds of handle, and the few ways queries run.
 *
 * A function that only reads takes a `ReadableDb`; what changes something needs a `WritableDb`. The difference exists for the compiler
 * alone: a list shown on the screen can then be seen never to write.
 */
import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { runMigrations } from './migrations/run-migrations.ts';
import { withStoreErrors } from './store-errors.ts';

declare const readable: unique symbol;
declare const writable: unique symbol;

export interface ReadableDb {
  readonly [readable]: true;
}
export interface WritableDb extends ReadableDb {
  readonly [writable]: true;
}

/** Values of named parameters. */
export type SqlParameters = Readonly<Record<string, string | number | null>>;

/** Another process may hold the database this long (a daily copy, a migration). */
const BUSY_TIMEOUT_MS = 5_000;

interface OpenDatabase {
  readonly connection: Database.Database;
  /** Prepared once, by how their rows come and their text. */
  readonly statements: Map<string, Database.Statement>;
}

const opened = new WeakMap<ReadableDb, OpenDatabase>();

/**
 * Opens (and makes, and migrates) the database.
 * @param file absolute path, or `:memory:`
 * @throws store/busy, store/read-only, store/corrupt, store/full, store/too-new
 */
export function openDatabase(file: string): WritableDb {
  return withStoreErrors(() => {
    if (file !== ':memory:') mkdirSync(path.dirname(file), { recursive: true });
    const connection = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      connection.pragma('journal_mode = WAL');
      connection.pragma('synchronous = NORMAL');
      connection.pragma('foreign_keys = ON');
      runMigrations(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    const db = {} as WritableDb;
    opened.set(db, { connection, statements: new Map() });
    return db;
  });
}

export function closeDatabase(db: ReadableDb): void {
  internals(db).connection.close();
}

/** All rows of a query. The caller names the row's type: STRICT tables keep the promise. */
export function selectAll<Row>(db: ReadableDb, sql: string, parameters: SqlParameters = {}): Row[] {
  return withStoreErrors(() => prepare(db, sql).all(parameters) as Row[]);
}

/** All rows of a query for numbers, each as its values in the order of the columns: a third of the work where rows are many. */
export function selectRows(db: ReadableDb, sql: string, parameters: SqlParameters = {}): number[][] {
  return withStoreErrors(() => prepare(db, sql, 'values').all(parameters) as number[][]);
}

/** The first row, null where there is none. */
export function selectOne<Row>(db: ReadableDb, sql: string, parameters: SqlParameters = {}): Row | null {
  return withStoreErrors(() => (prepare(db, sql).get(parameters) as Row | undefined) ?? null);
}

/** @returns how many rows were changed */
export function execute(db: WritableDb, sql: string, parameters: SqlParameters = {}): number {
  return withStoreErrors(() => prepare(db, sql).run(parameters).changes);
}

/** All or nothing; nested calls join the outer one. */
export function inTransaction<T>(db: WritableDb, work: () => T): T {
  const { connection } = internals(db);
  if (connection.inTransaction) return work();
  return withStoreErrors(() => connection.transaction(work).immediate());
}

/** Copies the database while it is in use. @param file absolute path of the copy; replaced */
export async function copyDatabase(db: ReadableDb, file: string): Promise<void> {
  const { connection } = internals(db);
  await connection.backup(file);
}

/** SQLite's own check of its file. */
export function isIntact(db: ReadableDb): boolean {
  return withStoreErrors(() => internals(db).connection.pragma('quick_check', { simple: true }) === 'ok');
}

/**
 * The columns of a record that are to be set, for `INSERT` and `UPDATE` of records with many columns.
 * @param allowed the table's columns; a key that is none of them is a bug
 */
export function listColumns(record: object, allowed: readonly string[]): string[] {
  const names = Object.keys(record);
  const unknown = names.filter((name) => !allowed.includes(name));
  if (unknown.length > 0) throw new Error(`internal: no such column: ${unknown.join(', ')}`);
  return names;
}

function prepare(db: ReadableDb, sql: string, rows: 'objects' | 'values' = 'objects'): Database.Statement {
  const { connection, statements } = internals(db);
  const key = `${rows} ${sql}`;
  const known = statements.get(key);
  if (known) return known;
  const statement = connection.prepare(sql);
  if (rows === 'values') statement.raw();
  statements.set(key, statement);
  return statement;
}

function internals(db: ReadableDb): OpenDatabase {
  const found = opened.get(db);
  if (!found) throw new Error('internal: not a database handle');
  return found;
}
