import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { insertMetric, readMetricPage } from '../../src-main/store/metrics.ts';
import { runMigrations } from '../../src-main/store/migrations/run-migrations.ts';
import {
  countTags,
  describePage,
  findRunLine,
  type RunQuery,
  sampleLosses,
  selectRunPage,
} from '../../src-main/store/run-pages.ts';
import { deleteRun, setRunTags, updateRun } from '../../src-main/store/runs.ts';
import { openHistory } from './support.ts';

const query = (changes: Partial<RunQuery> = {}): RunQuery => ({
  search: '',
  states: [],
  tags: [],
  trash: false,
  sort: 'created_at',
  descending: true,
  offset: 0,
  limit: 50,
  ...changes,
});

const open = () =>
  openHistory(
    { id: 'a', dir: '/a', name: 'Alpha', created_at: 1, state: 'finished', best_eval_loss: 0.5 },
    { id: 'b', dir: '/b', name: 'beta 50%', created_at: 2, state: 'failed', data_summary: 'letters.csv' },
    { id: 'c', dir: '/c', name: 'Gamma', created_at: 3, state: 'finished', best_eval_loss: 0.1, notes: 'keep' },
  );
const idsOf = (page: { runs: readonly { id: string }[] }) => page.runs.map(({ id }) => id);

function metric(step: number, loss: number) {
  const figures = { learning_rate: 1, grad_norm: 1, tokens_per_second: 1, tokens: 1, memory_bytes: 1 };
  return { step, loss, ...figures, epoch: 1, elapsed_ms: 1 };
}

describe('pages of runs', () => {
  it('come newest first, a page at a time, with the number of all', () => {
    const db = open();
    expect(idsOf(selectRunPage(db, query()))).toEqual(['c', 'b', 'a']);
    const second = selectRunPage(db, query({ offset: 1, limit: 1 }));
    expect(second.total).toBe(3);
    expect(idsOf(second)).toEqual(['b']);
  });

  it('sort by a column, runs without a value last whatever the direction', () => {
    const db = open();
    expect(idsOf(selectRunPage(db, query({ sort: 'best_eval_loss', descending: false })))).toEqual(['c', 'a', 'b']);
    expect(idsOf(selectRunPage(db, query({ sort: 'best_eval_loss' })))).toEqual(['a', 'c', 'b']);
    expect(idsOf(selectRunPage(db, query({ sort: 'name', descending: false })))).toEqual(['a', 'b', 'c']);
  });

  it('find words in names, data, notes and tags; signs of SQL are only signs', () => {
    const db = open();
    setRunTags(db, 'a', ['best ever']);
    expect(idsOf(selectRunPage(db, query({ search: 'LETTERS' })))).toEqual(['b']);
    expect(idsOf(selectRunPage(db, query({ search: '50%' })))).toEqual(['b']);
    expect(idsOf(selectRunPage(db, query({ search: '%' })))).toEqual(['b']);
    expect(idsOf(selectRunPage(db, query({ search: 'ever alpha' })))).toEqual(['a']);
    expect(idsOf(selectRunPage(db, query({ search: "keep'" })))).toEqual([]);
    expect(idsOf(selectRunPage(db, query({ search: 'keep' })))).toEqual(['c']);
  });

  it('find what differs in case or in how its letters are put together, and what was changed since', () => {
    const db = open();
    updateRun(db, 'a', { name: 'GRÖSSE der Äpfel'.normalize('NFD') });
    expect(idsOf(selectRunPage(db, query({ search: 'grösse äpfel' })))).toEqual(['a']);
    expect(idsOf(selectRunPage(db, query({ search: 'alpha' })))).toEqual([]);
    updateRun(db, 'b', { notes: 'later', state: 'paused' });
    expect(idsOf(selectRunPage(db, query({ search: 'LATER paused' })))).toEqual(['b']);
    setRunTags(db, 'c', ['Üben']);
    expect(idsOf(selectRunPage(db, query({ search: 'üben' })))).toEqual(['c']);
    deleteRun(db, 'c');
    expect(idsOf(selectRunPage(db, query({ search: 'üben' })))).toEqual([]);
  });

  it('filter by states and tags', () => {
    const db = open();
    setRunTags(db, 'a', ['x', 'y']);
    setRunTags(db, 'b', ['x']);
    expect(idsOf(selectRunPage(db, query({ states: ['failed'] })))).toEqual(['b']);
    expect(idsOf(selectRunPage(db, query({ tags: ['x'] })))).toEqual(['b', 'a']);
    expect(idsOf(selectRunPage(db, query({ tags: ['x', 'y'] })))).toEqual(['a']);
    expect(countTags(db)).toEqual([
      { tag: 'x', runs: 2 },
      { tag: 'y', runs: 1 },
    ]);
  });

  it('keep the trash apart', () => {
    const db = open();
    setRunTags(db, 'b', ['x']);
    updateRun(db, 'b', { trashed_at: 9 });
    expect(idsOf(selectRunPage(db, query()))).toEqual(['c', 'a']);
    expect(idsOf(selectRunPage(db, query({ trash: true })))).toEqual(['b']);
    expect(countTags(db)).toEqual([]);
  });

  it('leave out the configuration and say whether there are notes', () => {
    const line = findRunLine(open(), 'c');
    expect(line).toMatchObject({ id: 'c', has_notes: true, tags: [], trashed_at: null });
    expect(line).not.toHaveProperty('config_json');
    expect(line).not.toHaveProperty('notes');
  });
});

describe('a page comes from indices alone, however long the rows of the runs are', () => {
  const db = new Database(':memory:');
  runMigrations(db);
  const plan = (sql: string, parameters: object) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(parameters)
      .map((row) => (row as { detail: string }).detail);
  const cases: Record<string, Partial<RunQuery>> = {
    'the usual one': {},
    'sorted by a figure': { sort: 'best_eval_loss' },
    'sorted by name': { sort: 'name', descending: false },
    'of some states': { states: ['finished', 'failed'] },
    'with tags': { tags: ['x', 'y'], sort: 'elapsed_ms' },
    'searched by two words': { search: 'rows tiny', sort: 'final_loss' },
    'the trash': { trash: true },
  };
  it.each(Object.entries(cases))('%s', (_, changes) => {
    const { count, page, parameters } = describePage(query(changes));
    const steps = [...plan(count, parameters), ...plan(page, { ...parameters, limit: 50, offset: 0 })];
    const reads = steps.filter((step) => /^(SCAN|SEARCH) runs/.test(step));
    expect(reads.length).toBeGreaterThan(0);
    for (const step of reads) expect(step).toMatch(/USING COVERING INDEX runs_(listed|trashed)/);
  });

  it('the usual one is not even sorted', () => {
    const { page, parameters } = describePage(query());
    expect(plan(page, { ...parameters, limit: 50, offset: 0 })).toEqual(['SCAN runs USING COVERING INDEX runs_listed']);
  });
});

describe('the sketch of a loss curve', () => {
  it('has the first and the last step and evenly spread ones between', () => {
    const db = open();
    for (let step = 1; step <= 1000; step++) insertMetric(db, 'a', metric(step, step));
    expect(sampleLosses(db, 'a', 5)).toEqual([1, 250, 500, 750, 1000]);
  });

  it('is shorter for a run of few steps, and empty for one of none', () => {
    const db = open();
    insertMetric(db, 'a', metric(10, 3));
    insertMetric(db, 'a', metric(20, 2));
    expect(sampleLosses(db, 'a', 32)).toEqual([3, 2]);
    expect(sampleLosses(db, 'b', 32)).toEqual([]);
  });
});

describe('pages of figures', () => {
  it('join to the whole history, column by column', () => {
    const db = open();
    for (let step = 1; step <= 5; step++) insertMetric(db, 'a', metric(step, step / 10));
    const first = readMetricPage(db, 'a', -1, 3);
    expect(first.columns.step).toEqual([1, 2, 3]);
    expect(first.columns.loss).toEqual([0.1, 0.2, 0.3]);
    expect(first.next).toBe(3);
    const second = readMetricPage(db, 'a', 3, 3);
    expect(second.columns.step).toEqual([4, 5]);
    expect(second.next).toBeNull();
  });
});
