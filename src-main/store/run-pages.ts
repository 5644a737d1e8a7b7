/**
 * @file The list of runs as it is looked through: searched, filtered, sorted, a page at a time, with a sketch of each loss curve.
 */
import type { RunRecord, RunState } from '../../src-shared/domain/history.ts';
import type { TagCount } from '../../src-shared/domain/run-views.ts';
import { type ReadableDb, selectAll, selectOne, type SqlParameters } from './database.ts';
import { foldText } from './run-texts.ts';

export interface RunQuery {
  /** Words that all must occur somewhere in the run's texts. */
  readonly search: string;
  /** Empty = all. */
  readonly states: readonly RunState[];
  /** Runs that have all of them. */
  readonly tags: readonly string[];
  readonly trash: boolean;
  readonly sort: RunSortColumn;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

const SORT_COLUMNS = [
  'created_at',
  'name',
  'state',
  'model_name',
  'method_summary',
  'data_summary',
  'final_loss',
  'best_eval_loss',
  'elapsed_ms',
  'ended_at',
] as const;
export type RunSortColumn = (typeof SORT_COLUMNS)[number];

/** A run without what only its own page shows. */
export type RunLine = Omit<RunRecord, 'config_json' | 'notes'> & { readonly has_notes: boolean };

/** All but config_json, which is long, and notes. */
const LINE = `SELECT id, name, dir, state, created_at, started_at, ended_at, task_type, model_path, model_name, method,
  method_summary, quantization, data_summary, engine, device, total_steps, step, epoch, tokens, trainable_parameters,
  total_parameters, train_rows, eval_rows, supervised_tokens, final_loss, eval_loss, best_eval_loss, best_step, elapsed_ms,
  predicted_memory_bytes, peak_memory_bytes, adapter_dir, error_code, error_message, error_hint, trashed_at,
  notes <> '' AS has_notes,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM run_tags WHERE run_id = runs.id ORDER BY tag)) AS tags_json
  FROM runs`;

type LineRow = Omit<RunLine, 'tags' | 'has_notes'> & { readonly tags_json: string; readonly has_notes: number };

/** Columns that always have a value, so that an index on them serves as it is. */
const NEVER_NULL: readonly string[] = ['created_at', 'name', 'state', 'model_name', 'method_summary', 'data_summary'];

/** One page, and how many runs there are on all pages. */
export function selectRunPage(db: ReadableDb, query: RunQuery): { total: number; runs: RunLine[] } {
  const { count, page, parameters } = describePage(query);
  const counted = selectOne<{ n: number }>(db, count, parameters);
  const ids = selectAll<{ id: string }>(db, page, { ...parameters, limit: query.limit, offset: query.offset });
  return { total: counted?.n ?? 0, runs: ids.flatMap(({ id }) => findRunLine(db, id) ?? []) };
}

/**
 * The statements of a page. Sorted by ids alone: what a line shows is read for the runs of this page only.
 * @returns `page` needs `limit` and `offset` beside the parameters
 */
export function describePage(query: RunQuery): { count: string; page: string; parameters: SqlParameters } {
  const { where, parameters } = describeFilter(query);
  return {
    count: `SELECT count(*) AS n FROM runs WHERE ${where}`,
    page: `SELECT id FROM runs WHERE ${where} ORDER BY ${describeOrder(query)} LIMIT @limit OFFSET @offset`,
    parameters,
  };
}

function describeOrder({ sort, descending }: RunQuery): string {
  const direction = descending ? 'DESC' : 'ASC';
  // The name comes from our own list, never from outside.
  const column = SORT_COLUMNS.find((name) => name === sort) ?? 'created_at';
  if (column === 'created_at') return `created_at ${direction}, id ${direction}`;
  const collate = ['name', 'model_name'].includes(column) ? 'COLLATE NOCASE' : '';
  const nullsLast = NEVER_NULL.includes(column) ? '' : `${column} IS NULL, `;
  return `${nullsLast}${column} ${collate} ${direction}, created_at DESC, id DESC`;
}

export function findRunLine(db: ReadableDb, id: string): RunLine | null {
  const row = selectOne<LineRow>(db, `${LINE} WHERE id = @id`, { id });
  return row && hydrate(row);
}

/** Most used first; runs in the trash do not count. */
export function countTags(db: ReadableDb): TagCount[] {
  return selectAll<TagCount>(
    db,
    `SELECT tag, count(*) AS runs FROM run_tags JOIN runs ON runs.id = run_tags.run_id
     WHERE trashed_at IS NULL GROUP BY tag ORDER BY runs DESC, tag`,
  );
}

/** Losses of at most `points` steps, evenly spread from the first to the last: a few look-ups, however long the run. */
export function sampleLosses(db: ReadableDb, runId: string, points: number): number[] {
  const ends = selectOne<{ first: number | null; last: number | null }>(
    db,
    'SELECT min(step) AS first, max(step) AS last FROM metrics WHERE run_id = @runId',
    { runId },
  );
  if (ends === null || ends.first === null || ends.last === null) return [];
  const { first, last } = ends;
  const spacing = (last - first) / Math.max(1, points - 1);
  const wanted = Array.from({ length: points }, (_, index) => Math.floor(first + spacing * index));
  const rows = selectAll<{ loss: number }>(
    db,
    `SELECT loss FROM metrics WHERE run_id = @runId AND step IN (
       SELECT (SELECT min(step) FROM metrics WHERE run_id = @runId AND step >= wanted.value) FROM json_each(@wanted) AS wanted)
     ORDER BY step`,
    { runId, wanted: JSON.stringify(wanted) },
  );
  return rows.map(({ loss }) => loss);
}

/** A plus before a column keeps SQLite from other indices than the one of the list, which would send it to the long rows of the runs. */
function describeFilter({ search, states, tags, trash }: RunQuery): { where: string; parameters: SqlParameters } {
  const conditions = [trash ? 'trashed_at IS NOT NULL' : 'trashed_at IS NULL'];
  const parameters: Record<string, string> = {};
  const bind = (value: string) => {
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `@${name}`;
  };
  const words = foldText(search).split(/\s+/).filter(Boolean);
  if (words.length > 0) {
    const found = words.map((word) => `instr(text, ${bind(word)}) > 0`);
    conditions.push(`+id IN (SELECT run_id FROM run_texts WHERE ${found.join(' AND ')})`);
  }
  if (states.length > 0) conditions.push(`+state IN (${states.map(bind).join(', ')})`);
  for (const tag of tags) {
    conditions.push(`EXISTS (SELECT 1 FROM run_tags WHERE run_id = runs.id AND tag = ${bind(tag)})`);
  }
  return { where: conditions.join(' AND '), parameters };
}

function hydrate({ tags_json, has_notes, ...columns }: LineRow): RunLine {
  return { ...columns, has_notes: has_notes === 1, tags: JSON.parse(tags_json) as string[] };
}
