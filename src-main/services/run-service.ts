/**
 * @file Runs: starting, following, resuming, and the history of them all.
 *
 * A run is recorded before its job starts. The job writes the run folder; this service copies what it tells into the history and
 * says in the end how it ended. A run that never came to its first step leaves neither folder nor record.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { RunRecord, RunState } from '../../src-shared/domain/history.ts';
import { parseRunConfig, type RunConfig } from '../../src-shared/schema/run-config.ts';
import type { TrainResult } from '../engine/recipes/contract.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import { toFailure } from '../jobs/failure.ts';
import type { Job } from '../jobs/job-client.ts';
import type { TrainRequest } from '../jobs/protocol.ts';
import { createRunId, isRunFolder, readManifest, RUN_FOLDER_ENTRY } from '../jobs/run-folder.ts';
import { readRunHolder } from '../jobs/run-lock.ts';
import type { WritableDb } from '../store/database.ts';
import {
  deleteRun,
  findRun,
  findRunByDir,
  findRunsByPrefix,
  insertRun,
  listRuns,
  setRunTags,
  updateRun,
} from '../store/runs.ts';
import { applySettings, makePathsAbsolute } from './config-edit.ts';
import { describeConfig, nameRun } from './describe-run.ts';
import type { History } from './history.ts';
import type { JobRunner } from './job-runner.ts';
import type { Notice } from './notice.ts';
import { rebuildRun } from './rebuild-history.ts';
import { readRunDetails, type RunDetails } from './run-details.ts';
import { recordEvent } from './run-recorder.ts';
import { takeTrainingDevice } from './training-device.ts';

export interface StartRunOptions {
  readonly config: RunConfig;
  /** Folder of the run; `<home>/runs/<id>` where left out. */
  readonly outputDir?: string;
  readonly onEvent?: (event: TimedEvent) => void;
  /** Told where another training has the device; left out = throw device/busy instead of waiting. */
  readonly onWait?: (notice: Notice) => void;
  /** Ends the waiting for the device. */
  readonly signal?: AbortSignal;
}

export interface ResumeRunOptions extends Pick<StartRunOptions, 'onEvent' | 'onWait' | 'signal'> {
  /** `path=value` settings that are to differ from now on. */
  readonly settings?: readonly string[];
}

/** How the person wants a run to end. */
export type EndWish = 'paused' | 'stopped';

/** A run whose job is at work. */
export interface ActiveRun {
  readonly id: string;
  readonly dir: string;
  /** Settles when the job has ended and the history says how. Rejects as the job does. */
  readonly result: Promise<TrainResult>;
  /** Saves a checkpoint and frees the memory. */
  end(wish: EndWish): void;
  kill(): void;
  peakMemoryBytes(): number | null;
}

export interface RunService {
  start(options: StartRunOptions): Promise<ActiveRun>;
  /** @param run id, beginning of an id, or folder */
  resume(run: string, options?: ResumeRunOptions): Promise<ActiveRun>;
  /** Runs of this process. */
  active(): readonly ActiveRun[];
  /** Newest first. */
  list(): Promise<RunRecord[]>;
  show(run: string): Promise<RunDetails>;
  rename(run: string, name: string): Promise<void>;
  annotate(run: string, changes: { readonly notes?: string; readonly tags?: readonly string[] }): Promise<void>;
  /** Deletes record and files. @throws run/locked while it runs */
  remove(run: string): Promise<RunRecord>;
}

/** Told of every run of this process, however it was started. */
export interface RunObserver {
  began(run: ActiveRun, name: string): void;
  /** After the history has it. */
  told(run: string, event: TimedEvent): void;
  /** The history has the configuration as the engine resolved it. */
  resolved(run: string): void;
  /** The history says how. */
  ended(run: string): void;
}

export interface RunServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
  readonly observer?: RunObserver;
}

export function createRunService({ home, history, jobs, observer }: RunServiceOptions): RunService {
  const active = new Map<string, ActiveRun>();

  async function launch(request: TrainRequest, options: ResumeRunOptions): Promise<ActiveRun> {
    const db = await history.open();
    const device = await takeTrainingDevice({ home, onWait: options.onWait ?? null, signal: options.signal });
    try {
      const onEvent = (event: TimedEvent) => {
        observer?.told(request.id, event);
        options.onEvent?.(event);
      };
      const follower = new RunFollower(db, request, { onEvent, onResolved: () => observer?.resolved(request.id) });
      await follower.prepare();
      const job = await jobs.start('train', request, { onEvent: (event) => follower.take(event) });
      const run = follower.follow(job, async () => {
        active.delete(request.id);
        await device.release();
        observer?.ended(request.id);
      });
      active.set(request.id, run);
      observer?.began(run, request.name);
      return run;
    } catch (error) {
      await device.release();
      throw error;
    }
  }

  async function change(run: string, work: (db: WritableDb, id: string) => void): Promise<void> {
    const db = await history.open();
    work(db, (await findKnownRun(db, run)).id);
  }

  return {
    async start(options) {
      const id = createRunId();
      const config = makePathsAbsolute(options.config, process.cwd());
      const runDir = path.resolve(options.outputDir ?? path.join(home, 'runs', id));
      return launch({ runDir, id, name: nameRun(config), createdAt: Date.now(), config, resume: false }, options);
    },
    async resume(run, options = {}) {
      const { id, dir, name, created_at: createdAt } = await findKnownRun(await history.open(), run);
      const { config } = await readManifest(dir);
      const changed = parseRunConfig(applySettings(config, options.settings ?? []));
      const absolute = makePathsAbsolute(changed, process.cwd());
      return launch({ runDir: dir, id, name, createdAt, config: absolute, resume: true }, options);
    },
    active: () => [...active.values()],
    list: async () => listRuns(await history.open()),
    async show(run) {
      const db = await history.open();
      return readRunDetails(db, await findKnownRun(db, run));
    },
    rename: (run, name) => change(run, (db, id) => updateRun(db, id, { name })),
    annotate: (run, { notes, tags }) =>
      change(run, (db, id) => {
        if (notes !== undefined) updateRun(db, id, { notes });
        if (tags !== undefined) setRunTags(db, id, tags);
      }),
    async remove(run) {
      const db = await history.open();
      const record = await findKnownRun(db, run);
      const holder = await readRunHolder(record.dir);
      if (holder) {
        throw new AppError('run/locked', `The run "${record.name}" is at work (process ${holder.pid})`, {
          hint: 'Stop it first.',
        });
      }
      await removeRunFiles(record.dir);
      deleteRun(db, record.id);
      return record;
    },
  };
}

interface FollowerListener {
  readonly onEvent: (event: TimedEvent) => void;
  readonly onResolved: () => void;
}

/** Keeps the record of one run in step with its job. */
class RunFollower {
  readonly #db: WritableDb;
  readonly #request: TrainRequest;
  readonly #listener: FollowerListener;
  /** False where the folder holds another run: the job will say so, and that run's record must not change. */
  #records = true;
  #wish: EndWish | null = null;
  #keeping: Promise<void> = Promise.resolve();
  /** The record as it was, until this session has begun. */
  #before: RunRecord | null = null;

  constructor(db: WritableDb, request: TrainRequest, listener: FollowerListener) {
    this.#db = db;
    this.#request = request;
    this.#listener = listener;
  }

  async prepare(): Promise<void> {
    const { id, name, runDir, createdAt, config, resume } = this.#request;
    if (resume) {
      this.#before = findRun(this.#db, id);
      updateRun(this.#db, id, { state: 'preparing', ended_at: null, ...describeConfig(config) });
      return;
    }
    this.#records = !(await isRunFolder(runDir));
    if (!this.#records) return;
    const gone = findRunByDir(this.#db, runDir);
    if (gone) deleteRun(this.#db, gone.id);
    const created = { id, name, dir: runDir, state: 'preparing' as const, created_at: createdAt };
    insertRun(this.#db, { ...created, ...describeConfig(config) });
  }

  take(event: TimedEvent): void {
    if (event.event === 'start') {
      this.#before = null;
      this.#keeping = this.#keepConfig();
    }
    if (this.#records) recordEvent(this.#db, this.#request.id, event);
    this.#listener.onEvent(event);
  }

  follow(job: Job<'train'>, onEnd: () => Promise<void>): ActiveRun {
    const { id, runDir } = this.#request;
    const result = this.#finish(job).finally(onEnd);
    // Nobody may be waiting when it fails; the history has it.
    result.catch(() => {});
    return {
      id,
      dir: runDir,
      result,
      end: (wish) => {
        this.#wish ??= wish;
        job.stop();
      },
      kill: () => job.kill(),
      peakMemoryBytes: () => job.peakMemoryBytes(),
    };
  }

  async #finish(job: Job<'train'>): Promise<TrainResult> {
    try {
      const result = await job.result;
      await this.#keeping;
      this.#update({ peak_memory_bytes: job.peakMemoryBytes() });
      return result;
    } catch (error) {
      await this.#recordFailure(error, job.peakMemoryBytes());
      throw error;
    }
  }

  async #recordFailure(error: unknown, peakMemoryBytes: number | null): Promise<void> {
    const { id, runDir, resume } = this.#request;
    if (!this.#records) return;
    if (!resume && !(await isRunFolder(runDir))) {
      deleteRun(this.#db, id);
      return;
    }
    if (this.#before) {
      const { id: _id, tags: _tags, ...columns } = this.#before;
      this.#update(columns);
      return;
    }
    await this.#keeping;
    const failure = toFailure(error);
    const ended: { state: RunState; ended_at: number } = { state: this.#wish ?? 'interrupted', ended_at: Date.now() };
    if (error instanceof Interrupted) this.#update({ ...ended, peak_memory_bytes: peakMemoryBytes });
    else if (failure.kind === 'expected') {
      const { code, message, hint } = failure.error;
      this.#update({ ...ended, state: 'failed', error_code: code, error_message: message, error_hint: hint });
    } else this.#update({ ...ended, state: 'failed', error_code: 'internal/bug', error_message: failure.message });
  }

  /** What the engine made of the configuration stands in run.json before the first step. */
  async #keepConfig(): Promise<void> {
    const manifest = await readManifest(this.#request.runDir).catch(() => null);
    if (!manifest) return;
    this.#update(describeConfig(manifest.config));
    this.#listener.onResolved();
  }

  #update(changes: Parameters<typeof updateRun>[2]): void {
    if (this.#records) updateRun(this.#db, this.#request.id, changes);
  }
}

/**
 * @param run id, beginning of an id, or a run folder; a folder that the history does not know is read into it
 * @throws run/unknown, run/ambiguous
 */
export async function findKnownRun(db: WritableDb, run: string): Promise<RunRecord> {
  const dir = path.resolve(run);
  const known = findRun(db, run) ?? findRunByDir(db, dir);
  if (known) return known;
  if (await isRunFolder(dir)) return rebuildRun(db, dir);
  const matches = run === '' ? [] : findRunsByPrefix(db, run);
  const [only] = matches;
  if (only && matches.length === 1) return only;
  if (matches.length > 1) {
    throw new AppError('run/ambiguous', `${matches.length} runs begin with "${run}"`, {
      hint: `Write more of the id: ${matches.map(({ id }) => id).join(', ')}`,
    });
  }
  throw new AppError('run/unknown', `There is no run "${run}", neither by its id nor as a folder`, {
    hint: '`tunesmith runs list` shows all runs.',
  });
}

/** Only what a run writes: the folder may be one of the person's own. */
async function removeRunFiles(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  const ours = names.filter((name) => RUN_FOLDER_ENTRY.test(name));
  await Promise.all(ours.map((name) => rm(path.join(dir, name), { recursive: true, force: true })));
  if (ours.length === names.length) await rmdir(dir).catch(() => {});
}
