/**
 * @file Every file and folder that the history knows of.
 */
import { type ReadableDb, selectAll } from './database.ts';

/** Absolute paths, without order. */
export function listKnownPaths(db: ReadableDb): string[] {
  const rows = selectAll<{ path: string }>(
    db,
    `SELECT dir AS path FROM runs UNION SELECT model_path FROM runs UNION SELECT path FROM models
     UNION SELECT path FROM datasets UNION SELECT path FROM exports`,
  );
  return rows.map(({ path }) => path);
}
