/**
 * @file The history as screens show it: pages of runs, one run's page, runs beside each other, the trash.
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunRecord, SampleRecord } from '../../src-shared/domain/history.ts';
import type { JsonObject } from '../../src-shared/domain/json.ts';
import type {
  ComparedSample,
  MetricPage,
  RunComparison,
  RunPage,
  RunPageDetails,
  RunSummary,
  TagCount,
} from '../../src-shared/domain/run-views.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import type { ModelSource } from '../engine/recipes/contract.ts';
import { readRunHolder } from '../jobs/run-lock.ts';
import { RUN_FOLDER_ENTRY } from '../jobs/run-folder.ts';
import { listCheckpointRecords } from '../store/checkpoints.ts';
import type { ReadableDb, WritableDb } from '../store/database.ts';
import { listExports } from '../store/exports.ts';
import { listKnownPaths } from '../store/known-paths.ts';
import { listEvaluations, listNotices, readMetricPage } from '../store/metrics.ts';
import {
  countTags,
  findRunLine,
  type RunLine,
  type RunQuery,
  sampleLosses,
  selectRunPage,
} from '../store/run-pages.ts';
import { listRunsByState, updateRun } from '../store/runs.ts';
import { listSamples } from '../store/samples.ts';
import type { History } from './history.ts';
import { writeMetricsCsv } from './metrics-csv.ts';
import type { Notice } from './notice.ts';
import { recoverOrphans } from './rebuild-history.ts';
import { compareConfigs } from './run-details.ts';
import { findKnownRun, type RunService } from './run-service.ts';

/** Weights of a finished run, or of one of its checkpoints. */
export interface TunedModel extends ModelSource {
  readonly run: RunRecord;
  /** What it was made from, stored as it was for the run. */
  readonly base: ModelSource;
}

export interface RunLibrary {
  page(query: RunQuery): Promise<RunPage>;
  /** null where it is not known (any more). */
  summary(id: string): Promise<RunSummary | null>;
  tags(): Promise<TagCount[]>;
  details(run: string): Promise<RunPageDetails>;
  metrics(run: string, afterStep: number, limit: number): Promise<MetricPage>;
  metricsCsv(run: string): Promise<string>;
  compare(runs: readonly string[]): Promise<RunComparison>;
  /** @throws run/locked where one is at work; then none is moved */
  trash(runs: readonly string[]): Promise<void>;
  restore(runs: readonly string[]): Promise<void>;
  /** Bytes that their folders take. */
  measure(runs: readonly string[]): Promise<number>;
  /** Deletes files and records. @throws run/not-in-trash */
  delete(runs: readonly string[]): Promise<void>;
  /** @param step of a checkpoint; null = the finished result. @throws run/no-result, run/no-checkpoint */
  tuned(run: string, step: number | null): Promise<TunedModel>;
  /** Folders and files that the history and its lists hold: runs, their models and exports, models, data files. */
  knownPaths(): Promise<ReadonlySet<string>>;
  /** Runs that are said to be at work, by whatever process; those that nobody works on any more are mended first. */
  watched(onNotice: (notice: Notice) => void): Promise<RunRecord[]>;
}

const SPARKLINE_POINTS = 32;

export function createRunLibrary({ history, runs }: { history: History; runs: RunService }): RunLibrary {
  const sparklineOf = createSparklines();
  const summarize: Summarize = (db, line) => ({ ...line, sparkline: sparklineOf(db, line) });
  const find = async (run: string) => findKnownRun(await history.open(), run);
  const findAll = async (ids: readonly string[]) => {
    const db = await history.open();
    return Promise.all(ids.map((id) => findKnownRun(db, id)));
  };
  const setTrashed = async (records: readonly RunRecord[], at: number | null) => {
    const db = await history.open();
    for (const { id } of records) updateRun(db, id, { trashed_at: at });
  };
  return {
    async page(query) {
      const db = await history.open();
      const { total, runs: lines } = selectRunPage(db, query);
      return { total, runs: lines.map((line) => summarize(db, line)) };
    },
    async summary(id) {
      const db = await history.open();
      const line = findRunLine(db, id);
      return line && summarize(db, line);
    },
    tags: async () => countTags(await history.open()),
    details: async (run) => readPageDetails(await history.open(), await find(run), summarize),
    metrics: async (run, afterStep, limit) =>
      readMetricPage(await history.open(), (await find(run)).id, afterStep, limit),
    metricsCsv: async (run) => writeMetricsCsv(await history.open(), (await find(run)).id),
    compare: async (ids) => compareRuns(await history.open(), await findAll(ids), summarize),
    async trash(ids) {
      const records = await findAll(ids);
      for (const record of records) await requireIdle(record);
      await setTrashed(records, Date.now());
    },
    restore: async (ids) => setTrashed(await findAll(ids), null),
    async measure(ids) {
      const sizes = await Promise.all((await findAll(ids)).map(({ dir }) => measureRunFolder(dir)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async delete(ids) {
      const records = await findAll(ids);
      const listed = records.find(({ trashed_at }) => trashed_at === null);
      if (listed) {
        throw new AppError('run/not-in-trash', `The run "${listed.name}" is not in the trash`, {
          hint: 'Move it to the trash first.',
        });
      }
      for (const { id } of records) await runs.remove(id);
    },
    tuned: async (run, step) => findTuned(await history.open(), await find(run), step),
    knownPaths: async () => new Set(listKnownPaths(await history.open())),
    async watched(onNotice) {
      const db = await history.open();
      await recoverOrphans(db, onNotice);
      return [...listRunsByState(db, 'preparing'), ...listRunsByState(db, 'running')];
    },
  };
}

type Summarize = (db: ReadableDb, line: RunLine) => RunSummary;

/** Sketches of loss curves, kept until the run has gone on. */
function createSparklines(): (db: ReadableDb, line: RunLine) => readonly number[] {
  const known = new Map<string, { readonly at: string; readonly points: readonly number[] }>();
  return (db, { id, step, started_at, ended_at }) => {
    const at = `${step} ${started_at} ${ended_at}`;
    const found = known.get(id);
    if (found?.at === at) return found.points;
    const points = sampleLosses(db, id, SPARKLINE_POINTS);
    known.set(id, { at, points });
    return points;
  };
}

async function readPageDetails(db: WritableDb, run: RunRecord, summarize: Summarize): Promise<RunPageDetails> {
  const line = findRunLine(db, run.id);
  if (!line) throw new Error(`internal: run ${run.id} vanished`);
  return {
    run: summarize(db, line),
    notes: run.notes,
    config: JSON.parse(run.config_json) as JsonObject,
    evaluations: listEvaluations(db, run.id),
    notices: listNotices(db, run.id),
    checkpoints: listCheckpointRecords(db, run.id).filter((checkpoint) => existsSync(checkpoint.path)),
    samples: listSamples(db, run.id),
    exports: listExports(db, run.id),
    size_bytes: await measureRunFolder(run.dir),
    can_resume: run.state !== 'preparing' && run.state !== 'running' && existsSync(run.dir),
  };
}

function compareRuns(db: ReadableDb, records: readonly RunRecord[], summarize: Summarize): RunComparison {
  const lines = records.flatMap(({ id }) => findRunLine(db, id) ?? []);
  return {
    runs: lines.map((line) => summarize(db, line)),
    differences: compareConfigs(records),
    evaluations: records.map(({ id }) => listEvaluations(db, id)),
    samples: compareSamples(records.map(({ id }) => listSamples(db, id))),
  };
}

/** Prompts that at least two runs answered, each run's latest answer. */
function compareSamples(samples: readonly (readonly SampleRecord[])[]): ComparedSample[] {
  const latest = samples.map((own) => new Map(own.map((sample) => [sample.prompt, sample])));
  const prompts = [...new Set(latest.flatMap((own) => [...own.keys()]))];
  return prompts
    .map((prompt) => {
      const found = latest.map((own) => own.get(prompt) ?? null);
      const answers = found.map((sample) => sample && { step: sample.step, answer: sample.answer });
      return { prompt, expected: found.find((sample) => sample?.expected)?.expected ?? null, answers };
    })
    .filter(({ answers }) => answers.filter((answer) => answer !== null).length > 1);
}

async function requireIdle({ name, dir }: RunRecord): Promise<void> {
  const holder = await readRunHolder(dir);
  if (!holder) return;
  throw new AppError('run/locked', `The run "${name}" is at work (process ${holder.pid})`, { hint: 'Stop it first.' });
}

function findTuned(db: ReadableDb, run: RunRecord, step: number | null): TunedModel {
  const dir = step === null ? run.adapter_dir : findCheckpoint(db, run, step);
  if (dir === null) {
    throw new AppError('run/no-result', `The run "${run.name}" has no result yet`, {
      hint: 'Choose one of its checkpoints, or let it finish.',
    });
  }
  const { quantization } = JSON.parse(run.config_json) as RunConfig;
  const base = { modelDir: run.model_path, adapterDir: null, quantization };
  if (run.method === 'NONE') return { run, base, modelDir: dir, adapterDir: null, quantization };
  return { run, base, modelDir: run.model_path, adapterDir: dir, quantization };
}

function findCheckpoint(db: ReadableDb, run: RunRecord, step: number): string {
  const found = listCheckpointRecords(db, run.id).find((checkpoint) => checkpoint.step === step);
  if (found && existsSync(found.path)) return found.path;
  throw new AppError('run/no-checkpoint', `The run "${run.name}" has no checkpoint of step ${step}`, {
    hint: 'Older checkpoints are removed as training.save_total_limit says; choose another.',
  });
}

/** Only what a run writes: the folder may be one of the person's own. */
async function measureRunFolder(dir: string): Promise<number> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => RUN_FOLDER_ENTRY.test(name));
  const sizes = await Promise.all(names.map((name) => measure(path.join(dir, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function measure(file: string): Promise<number> {
  const info = await stat(file).catch(() => null);
  if (!info?.isDirectory()) return info?.size ?? 0;
  const names = await readdir(file).catch(() => []);
  const sizes = await Promise.all(names.map((name) => measure(path.join(file, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
