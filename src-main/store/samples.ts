/**
 * @file Answers to the fixed prompts of a run.
 */
import type { SampleRecord } from '../../src-shared/domain/history.ts';
import { execute, type ReadableDb, selectAll, type WritableDb } from './database.ts';

export function insertSample(db: WritableDb, runId: string, sample: SampleRecord): void {
  execute(
    db,
    `INSERT INTO samples (run_id, step, prompt, answer, expected) VALUES (@runId, @step, @prompt, @answer, @expected)`,
    { runId, ...sample },
  );
}

/** By step, and within a step in the order of the prompts. */
export function listSamples(db: ReadableDb, runId: string): SampleRecord[] {
  const sql = 'SELECT step, prompt, answer, expected FROM samples WHERE run_id = @runId ORDER BY step, id';
  return selectAll<SampleRecord>(db, sql, { runId });
}
