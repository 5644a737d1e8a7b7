/**
 * @file Keeps the record of one run in step with its job, from before its start to its end.
 */
import { existsSync } from 'node:fs';
import { Interrupted } from '../../src-shared/domain/app-error.ts';
import type { RunRecord, RunState } from '../../src-shared/domain/history.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import type { TrainResult } from '../engine/recipes/contract.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import { toFailure } from '../jobs/failure.ts';
import type { Job } from '../jobs/job-client.ts';
import type { TrainRequest } from '../jobs/protocol.ts';
import { isRunFolder, readManifest } from '../jobs/run-folder.ts';
import type { WritableDb } from '../store/database.ts';
import { deleteRun, findRun, findRunByDir, insertRun, updateRun } from '../store/runs.ts';
import { describeConfig } from './describe-run.ts';
import { type Notice, toNotice } from './notice.ts';
import { rebuildRun, rebuildSetAside } from './rebuild-history.ts';
import { recordEvent } from './run-recorder.ts';

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
  /** How it was told to end; null = it was not. */
  wish(): EndWish | null;
  kill(): void;
  peakMemoryBytes(): number | null;
}

export interface FollowerListener {
  readonly onEvent: (event: TimedEvent) => void;
  /** The history says more of a run than its events told. */
  readonly onChanged: (run: string) => void;
  readonly onNotice: (notice: Notice) => void;
}

export class RunFollower {
  readonly #db: WritableDb;
  readonly #request: TrainRequest;
  readonly #listener: FollowerListener;
  /** False where the folder holds another run: the job will say so, and that run's record must not change. */
  #records = true;
  #wish: EndWish | null = null;
  #keeping: Promise<void> = Promise.resolve();
  /** The record as it was, until this session has begun. */
  #before: RunRecord | null = null;
  /** True once the history could not take what the run told; it is read from the run's folder at the end. */
  #isBehind = false;

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
      this.#keeping = this.#keepBeginning();
    }
    if (this.#records) this.#record(event);
    this.#listener.onEvent(event);
  }

  /** A history that cannot be written (the disk is full) is no reason to end a run, which keeps its own log. */
  #record(event: TimedEvent): void {
    try {
      recordEvent(this.#db, this.#request.id, event);
    } catch (error) {
      if (this.#isBehind) return;
      this.#isBehind = true;
      const { name } = this.#request;
      const { message: reason } = toNotice(error);
      const message = `${reason}. The run "${name}" goes on; what it tells is read from its folder later.`;
      this.#listener.onNotice(makeNotice('run/behind', { name, reason }, message));
    }
  }

  async #catchUp(): Promise<void> {
    if (!this.#isBehind) return;
    await rebuildRun(this.#db, this.#request.runDir);
    this.#isBehind = false;
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
      wish: () => this.#wish,
      kill: () => job.kill(),
      peakMemoryBytes: () => job.peakMemoryBytes(),
    };
  }

  async #finish(job: Job<'train'>): Promise<TrainResult> {
    try {
      const result = await job.result;
      await this.#keeping;
      await this.#catchUp();
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
    await this.#catchUp();
    const failure = toFailure(error);
    const ended: { state: RunState; ended_at: number } = { state: this.#wish ?? 'interrupted', ended_at: Date.now() };
    if (error instanceof Interrupted) this.#update({ ...ended, peak_memory_bytes: peakMemoryBytes });
    else if (failure.kind === 'expected') {
      const { code, message, hint } = failure.error;
      this.#update({ ...ended, state: 'failed', error_code: code, error_message: message, error_hint: hint });
    } else this.#update({ ...ended, state: 'failed', error_code: 'internal/bug', error_message: failure.message });
  }

  /** What the engine made of the configuration stands in run.json before the first step; what was set aside has its folder. */
  async #keepBeginning(): Promise<void> {
    const { id, runDir, resume } = this.#request;
    const manifest = await readManifest(runDir).catch(() => null);
    if (!manifest) return;
    const hasResult = existsSync(findRun(this.#db, id)?.adapter_dir ?? '');
    this.#update({ ...describeConfig(manifest.config), ...(!hasResult && { adapter_dir: null }) });
    this.#listener.onChanged(id);
    for (const run of resume ? await rebuildSetAside(this.#db, runDir) : []) this.#listener.onChanged(run.id);
  }

  #update(changes: Parameters<typeof updateRun>[2]): void {
    if (this.#records) updateRun(this.#db, this.#request.id, changes);
  }
}
