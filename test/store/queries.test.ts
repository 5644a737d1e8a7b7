import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { insertCheckpoint, keepCheckpoints, listCheckpointRecords } from '../../src-main/store/checkpoints.ts';
import { inTransaction } from '../../src-main/store/database.ts';
import { deleteDataset, listDatasets, upsertDataset } from '../../src-main/store/datasets.ts';
import { deleteDraft, findDraft, listDrafts, upsertDraft } from '../../src-main/store/drafts.ts';
import { findExport, insertExport, listExports, setExportCertificate } from '../../src-main/store/exports.ts';
import {
  deleteFiguresBeyond,
  insertEvaluation,
  insertMetric,
  insertNotice,
  listEvaluations,
  listMetrics,
  listNotices,
} from '../../src-main/store/metrics.ts';
import { runMigrations } from '../../src-main/store/migrations/run-migrations.ts';
import { deleteModel, findModelByPath, listModels, upsertModel } from '../../src-main/store/models.ts';
import {
  claimNextQueueItem,
  deleteQueueItem,
  insertQueueItem,
  listQueue,
  reorderQueue,
  updateQueueItem,
} from '../../src-main/store/queue.ts';
import {
  deleteRun,
  findRun,
  findRunByDir,
  findRunsByPrefix,
  insertRun,
  listRuns,
  listRunsByState,
  setRunTags,
  updateRun,
} from '../../src-main/store/runs.ts';
import { insertSample, listSamples } from '../../src-main/store/samples.ts';
import { deleteSetting, readSettings, writeSetting } from '../../src-main/store/settings.ts';
import { newRun, openHistory } from './support.ts';

const metric = (step: number, loss = 1) => ({
  step,
  loss,
  learning_rate: 1e-3,
  grad_norm: 0.5,
  tokens_per_second: 123.5,
  tokens: step * 10,
  memory_bytes: 5e9,
  epoch: step / 10,
  elapsed_ms: step * 1.5,
});

describe('runs', () => {
  it('come back as they were written, and change by column', () => {
    const db = openHistory();
    const before = findRun(db, 'r1');
    expect(before).toMatchObject({ ...newRun(), notes: '', tags: [], eval_loss: null, step: 0 });
    expect(updateRun(db, 'r1', { state: 'finished', eval_loss: 0.25, peak_memory_bytes: 6e9, notes: 'good' })).toBe(
      true,
    );
    expect(findRun(db, 'r1')).toEqual({
      ...before,
      state: 'finished',
      eval_loss: 0.25,
      peak_memory_bytes: 6e9,
      notes: 'good',
    });
    expect(updateRun(db, 'nobody', { notes: '' })).toBe(false);
    expect(() => updateRun(db, 'r1', { colour: 'red' } as object)).toThrow('internal: no such column: colour');
  });

  it('are listed newest first and found by state, folder and the beginning of their id', () => {
    const db = openHistory(
      { id: 'a1', dir: '/1', created_at: 1 },
      { id: 'a2', dir: '/2', created_at: 2, state: 'paused' },
    );
    expect(listRuns(db).map(({ id }) => id)).toEqual(['a2', 'a1']);
    expect(listRunsByState(db, 'paused').map(({ id }) => id)).toEqual(['a2']);
    expect(findRunByDir(db, '/1')?.id).toBe('a1');
    expect(findRunsByPrefix(db, 'a')).toHaveLength(2);
    expect(findRunsByPrefix(db, 'a%')).toEqual([]);
  });

  it('keep their tags, and lose them with the run', () => {
    const db = openHistory();
    setRunTags(db, 'r1', ['b', 'a, c', 'b']);
    expect(findRun(db, 'r1')?.tags).toEqual(['a, c', 'b']);
    setRunTags(db, 'r1', []);
    expect(findRun(db, 'r1')?.tags).toEqual([]);
    expect(deleteRun(db, 'r1')).toBe(true);
    expect(deleteRun(db, 'r1')).toBe(false);
  });

  it('need folders of their own', () => {
    const db = openHistory();
    expect(() => insertRun(db, newRun({ id: 'r2' }))).toThrow(/UNIQUE/);
  });
});

describe('figures of a run', () => {
  it('replace what was told of the same step', () => {
    const db = openHistory();
    insertMetric(db, 'r1', metric(2, 5));
    insertMetric(db, 'r1', metric(1));
    insertMetric(db, 'r1', metric(2, 4));
    expect(listMetrics(db, 'r1')).toEqual([metric(1), metric(2, 4)]);
    const evaluation = { step: 2, eval_loss: 1, perplexity: 2.7, best: true, metrics: { accuracy: 0.5, f1: 0.25 } };
    insertEvaluation(db, 'r1', evaluation);
    insertEvaluation(db, 'r1', { ...evaluation, best: false, metrics: { accuracy: 0.75 } });
    expect(listEvaluations(db, 'r1')).toEqual([{ ...evaluation, best: false, metrics: { accuracy: 0.75 } }]);
  });

  it('keeps the facts of a notice beside its sentence', () => {
    const db = openHistory();
    const told = [
      { step: 1, code: 'c', message: 'm', at: 1 },
      { step: 2, code: 'run/set-aside', message: 'Kept.', values: { step: 2, dir: '/r' }, at: 2 },
    ];
    for (const notice of told) insertNotice(db, 'r1', notice);
    expect(listNotices(db, 'r1')).toEqual(told);
  });

  it('are forgotten beyond the step that a run is resumed from', () => {
    const db = openHistory();
    for (const step of [1, 2, 3]) {
      insertMetric(db, 'r1', metric(step));
      insertEvaluation(db, 'r1', { step, eval_loss: 1, perplexity: 2, best: false, metrics: {} });
      insertNotice(db, 'r1', { step, code: 'c', message: 'm', at: step });
      insertSample(db, 'r1', { step, prompt: 'p', answer: 'a', expected: null });
      insertCheckpoint(db, 'r1', { step, path: `/c${step}`, best: false, created_at: step });
    }
    deleteFiguresBeyond(db, 'r1', 2);
    const kept = [listMetrics, listEvaluations, listNotices, listSamples].map((list) =>
      list(db, 'r1').map(({ step }) => step),
    );
    expect(kept).toEqual(Array(4).fill([1, 2]));
    expect(listCheckpointRecords(db, 'r1').map(({ step }) => step)).toEqual([2, 1]);
  });

  it('keep of the checkpoints those that are on disk', () => {
    const db = openHistory();
    for (const step of [5, 10, 15]) insertCheckpoint(db, 'r1', { step, path: '/c', best: step === 5, created_at: 1 });
    keepCheckpoints(db, 'r1', [5, 15]);
    expect(listCheckpointRecords(db, 'r1').map(({ step, best }) => [step, best])).toEqual([
      [15, false],
      [5, true],
    ]);
  });
});

describe('the queue', () => {
  it('keeps its order, can be reordered, and gives each item once', () => {
    const db = openHistory();
    for (const id of ['a', 'b', 'c']) insertQueueItem(db, { id, name: id, config_json: '{}', added_at: 1 });
    reorderQueue(db, ['c']);
    expect(listQueue(db).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    expect(claimNextQueueItem(db)).toMatchObject({ id: 'c', state: 'running' });
    expect(claimNextQueueItem(db)?.id).toBe('a');
    updateQueueItem(db, 'c', { state: 'finished', run_id: 'r1', error_message: null });
    expect(deleteQueueItem(db, 'a')).toBe(true);
    expect(claimNextQueueItem(db)?.id).toBe('b');
    expect(claimNextQueueItem(db)).toBeNull();
    expect(listQueue(db)[0]).toMatchObject({ id: 'c', state: 'finished', run_id: 'r1' });
  });
});

describe('small tables', () => {
  it('keep models and data sets by their path', () => {
    const db = openHistory();
    const model = {
      id: 'm1',
      name: 'Small',
      path: '/m',
      source: 'imported',
      model_type: 'llama',
      size_bytes: 1,
      context_tokens: null,
      licence: null,
      added_at: 1,
    } as const;
    upsertModel(db, model);
    upsertModel(db, { ...model, id: 'm2', name: 'Renamed' });
    expect(listModels(db)).toEqual([{ ...model, name: 'Renamed' }]);
    expect(findModelByPath(db, '/m')?.id).toBe('m1');
    expect(deleteModel(db, 'm1')).toBe(true);
    const data = { id: 'd', name: 'd', path: '/d', format: 'text', rows: 1, faults: 0, size_bytes: 1, inspected_at: 1 };
    upsertDataset(db, data);
    upsertDataset(db, { ...data, id: 'other', rows: 7 });
    expect(listDatasets(db)).toEqual([{ ...data, rows: 7 }]);
    expect(deleteDataset(db, 'd')).toBe(true);
  });

  it('keep exports, settings and drafts', () => {
    const db = openHistory();
    const source = { model_dir: '/m', adapter_dir: '/r/adapter', certificate: null };
    const record = { id: 'e', run_id: 'r1', format: 'peft', path: '/out', size_bytes: 3, created_at: 1, ...source };
    insertExport(db, record);
    expect(listExports(db, 'r1')).toEqual([record]);
    const files = [{ name: 'a', bytes: 3, sha256: 'abc' }];
    const certificate = { checked_at: 5, files, behaviour: null, unchecked: null };
    setExportCertificate(db, 'e', certificate);
    expect(findExport(db, 'e')).toEqual({ ...record, certificate });
    expect(findExport(db, 'other')).toBeNull();
    writeSetting(db, 'theme', '"dark"', 1);
    writeSetting(db, 'theme', '"light"', 2);
    expect(readSettings(db)).toEqual(new Map([['theme', '"light"']]));
    deleteSetting(db, 'theme');
    expect(readSettings(db).size).toBe(0);
    upsertDraft(db, { id: 'd', name: 'n', content_json: '1', updated_at: 1 });
    upsertDraft(db, { id: 'd', name: 'n', content_json: '2', updated_at: 2 });
    expect(listDrafts(db)).toEqual([findDraft(db, 'd')]);
    expect(findDraft(db, 'd')?.content_json).toBe('2');
    expect(deleteDraft(db, 'd')).toBe(true);
  });

  it('join an outer transaction, which takes all back', () => {
    const db = openHistory();
    const work = () =>
      inTransaction(db, () => {
        setRunTags(db, 'r1', ['kept?']);
        throw new Error('stop');
      });
    expect(work).toThrow('stop');
    expect(findRun(db, 'r1')?.tags).toEqual([]);
  });
});

describe('hot queries use an index', () => {
  const db = new Database(':memory:');
  runMigrations(db);

  it.each([
    ['SELECT * FROM runs ORDER BY created_at DESC, id DESC', 'runs_by_time'],
    ["SELECT * FROM runs WHERE state = 'running'", 'runs_by_state'],
    ["SELECT tag FROM run_tags WHERE run_id = 'r' ORDER BY tag", 'PRIMARY KEY'],
    ["SELECT * FROM metrics WHERE run_id = 'r' ORDER BY step", 'PRIMARY KEY'],
    ["SELECT * FROM samples WHERE run_id = 'r' ORDER BY step, id", 'samples_by_run'],
    ["SELECT * FROM queue WHERE state = 'waiting' ORDER BY position LIMIT 1", 'queue_by_position'],
  ])('%s', (sql, index) => {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    const text = plan.map(({ detail }) => detail).join('\n');
    expect(text).toContain(index);
    expect(text).not.toMatch(/SCAN \w+$/m);
  });
});
