/**
 * @file Runs: starting, following, resuming, and the history of them all.
 *
 * A run is recorded before its job starts. The job writes the run folder; this service copies what it tells into the history and
 * says in the end how it ended. A run that never came to its first step leaves neither folder nor record.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunRecord } from '../../src-shared/domain/history.ts';
import { parseRunConfig, type RunConfig } from '../../src-shared/schema/run-config.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import type { TrainRequest } from '../jobs/protocol.ts';
import { createRunId, isRunFolder, readManifest, RUN_FOLDER_ENTRY } from '../jobs/run-folder.ts';
import { readRunHolder } from '../jobs/run-lock.ts';
import type { WritableDb } from '../store/database.ts';
import { deleteRun, findRun, findRunByDir, findRunsByPrefix, listRuns, setRunTags, updateRun } from '../store/runs.ts';
import { applySettings, makePathsAbsolute } from './config-edit.ts';
import { nameRun } from './describe-run.ts';
import type { History } from './history.ts';
import type { JobRunner } from './job-runner.ts';
import type { Notice } from './notice.ts';
import { rebuildRun } from './rebuild-history.ts';
import { readMemoryCorrection } from './memory-correction.ts';
import { readRunDetails, type RunDetails } from './run-details.ts';
import { type ActiveRun, RunFollower } from './run-follower.ts';
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
  /** Step of the checkpoint to go back to; left out or null = the newest one. What came later becomes a run of its own. */
  readonly checkpoint?: number | null;
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
  /** The history says more of a run than its events told: its resolved configuration, or that it was set aside from another one. */
  changed(run: string): void;
  /** The history says how. */
  ended(run: string): void;
}

export interface RunServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
  readonly observer?: RunObserver;
  readonly onNotice: (notice: Notice) => void;
}

export function createRunService({ home, history, jobs, observer, onNotice }: RunServiceOptions): RunService {
  const active = new Map<string, ActiveRun>();

  async function launch(request: TrainRequest, options: ResumeRunOptions): Promise<ActiveRun> {
    const db = await history.open();
    const device = await takeTrainingDevice({ home, onWait: options.onWait ?? null, signal: options.signal });
    try {
      const onEvent = (event: TimedEvent) => {
        observer?.told(request.id, event);
        options.onEvent?.(event);
      };
      const onChanged = (id: string) => observer?.changed(id);
      const follower = new RunFollower(db, request, { onEvent, onChanged, onNotice });
      await follower.prepare();
      const memoryCorrection = await readMemoryCorrection(history, request.config);
      const job = await jobs.start(
        'train',
        { ...request, memoryCorrection },
        { onEvent: (event) => follower.take(event) },
      );
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
      const from =
        options.checkpoint === undefined || options.checkpoint === null ? {} : { checkpoint: options.checkpoint };
      return launch({ runDir: dir, id, name, createdAt, config: absolute, resume: true, ...from }, options);
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
