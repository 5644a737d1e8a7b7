/**
 * @file Runs and their tags.
 */
import type { RunRecord, RunState } from '../../src-shared/domain/history.ts';
import {
  execute,
  inTransaction,
  listColumns,
  type ReadableDb,
  selectAll,
  selectOne,
  type WritableDb,
} from './database.ts';
import { touchesText, writeRunText } from './run-texts.ts';

const COLUMNS = [
  'id',
  'name',
  'dir',
  'state',
  'created_at',
  'started_at',
  'ended_at',
  'task_type',
  'model_path',
  'model_name',
  'method',
  'method_summary',
  'quantization',
  'data_summary',
  'config_json',
  'engine',
  'device',
  'total_steps',
  'step',
  'epoch',
  'tokens',
  'trainable_parameters',
  'total_parameters',
  'train_rows',
  'eval_rows',
  'supervised_tokens',
  'final_loss',
  'eval_loss',
  'best_eval_loss',
  'best_step',
  'elapsed_ms',
  'predicted_memory_bytes',
  'peak_memory_bytes',
  'adapter_dir',
  'error_code',
  'error_message',
  'error_hint',
  'notes',
  'trashed_at',
] as const;

type RunColumns = Omit<RunRecord, 'tags'>;
/** What must be known when a run is recorded; the rest comes with its events. */
export type NewRun = Pick<
  RunRecord,
  | 'id'
  | 'name'
  | 'dir'
  | 'state'
  | 'created_at'
  | 'task_type'
  | 'model_path'
  | 'model_name'
  | 'method'
  | 'method_summary'
  | 'data_summary'
  | 'config_json'
> &
  Partial<RunColumns>;
export type RunChanges = Partial<Omit<RunColumns, 'id'>>;

/** The tags as one JSON array; names of tags may hold commas. */
const SELECT = `SELECT runs.*,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM run_tags WHERE run_id = runs.id ORDER BY tag)) AS tags_json
  FROM runs`;

type RunRow = RunColumns & { readonly tags_json: string };

export function insertRun(db: WritableDb, run: NewRun): void {
  const names = listColumns(run, COLUMNS);
  const values = names.map((name) => `@${name}`);
  inTransaction(db, () => {
    execute(db, `INSERT INTO runs (${names.join(', ')}) VALUES (${values.join(', ')})`, run);
    refreshText(db, run.id);
  });
}

/** Changes the named columns only. @returns false where there is no such run */
export function updateRun(db: WritableDb, id: string, changes: RunChanges): boolean {
  const names = listColumns(changes, COLUMNS);
  if (names.length === 0) return findRun(db, id) !== null;
  const settings = names.map((name) => `${name} = @${name}`);
  return inTransaction(db, () => {
    const changed = execute(db, `UPDATE runs SET ${settings.join(', ')} WHERE id = @id`, { ...changes, id }) > 0;
    if (touchesText(names)) refreshText(db, id);
    return changed;
  });
}

/** Its metrics, evaluations, samples, checkpoints and tags go with it. */
export function deleteRun(db: WritableDb, id: string): boolean {
  return execute(db, 'DELETE FROM runs WHERE id = @id', { id }) > 0;
}

export function findRun(db: ReadableDb, id: string): RunRecord | null {
  return hydrate(selectOne<RunRow>(db, `${SELECT} WHERE id = @id`, { id }));
}

export function findRunByDir(db: ReadableDb, dir: string): RunRecord | null {
  return hydrate(selectOne<RunRow>(db, `${SELECT} WHERE dir = @dir`, { dir }));
}

/** Newest first. */
export function listRuns(db: ReadableDb): RunRecord[] {
  return selectAll<RunRow>(db, `${SELECT} ORDER BY created_at DESC, id DESC`).flatMap((row) => hydrate(row) ?? []);
}

export function listRunsByState(db: ReadableDb, state: RunState): RunRecord[] {
  const rows = selectAll<RunRow>(db, `${SELECT} WHERE state = @state ORDER BY created_at`, { state });
  return rows.flatMap((row) => hydrate(row) ?? []);
}

/** Runs whose id begins with the text: ids are long to type. */
export function findRunsByPrefix(db: ReadableDb, prefix: string): RunRecord[] {
  const rows = selectAll<RunRow>(db, `${SELECT} WHERE substr(id, 1, length(@prefix)) = @prefix`, { prefix });
  return rows.flatMap((row) => hydrate(row) ?? []);
}

/** Replaces the tags of a run. */
export function setRunTags(db: WritableDb, id: string, tags: readonly string[]): void {
  inTransaction(db, () => {
    execute(db, 'DELETE FROM run_tags WHERE run_id = @id', { id });
    for (const tag of new Set(tags)) execute(db, 'INSERT INTO run_tags (run_id, tag) VALUES (@id, @tag)', { id, tag });
    refreshText(db, id);
  });
}

/** So that a search finds the run by what it says now. */
function refreshText(db: WritableDb, id: string): void {
  const run = findRun(db, id);
  if (run) writeRunText(db, run, run.tags);
}

function hydrate(row: RunRow | null): RunRecord | null {
  if (row === null) return null;
  const { tags_json, ...columns } = row;
  return { ...columns, tags: JSON.parse(tags_json) as string[] };
}
