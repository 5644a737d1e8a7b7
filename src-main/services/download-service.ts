/**
 * @file Downloads of models: begun, paused, found again after a restart, cancelled. The transfers are a job's (jobs/hub); this keeps
 * account of them, and puts what is finished into the list of models.
 */
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { AppError, Interrupted, type PlainError, toPlainError } from '../../src-shared/domain/app-error.ts';
import { failWith } from '../../src-shared/contract/outcome.ts';
import type { Download, DownloadProgress } from '../../src-shared/domain/hub.ts';
import type { ListedModel } from '../../src-shared/domain/models.ts';
import {
  countDone,
  type DownloadPlan,
  lockFile,
  readPlan,
  readRecord,
  removeStaging,
  stagingFolder,
} from '../jobs/hub/download-folder.ts';
import { readHolder } from '../jobs/run-lock.ts';
import {
  deleteDownload,
  type DownloadRow,
  findDownload,
  findDownloadByDir,
  listDownloads,
  setDownloadEnd,
  upsertDownload,
} from '../store/downloads.ts';
import type { History } from './history.ts';
import type { HubAccessService } from './hub-access.ts';
import { findCopy, type HubService, type LookRequest } from './hub-service.ts';
import { followJob, type JobRunner } from './job-runner.ts';
import type { ModelService } from './model-service.ts';

export interface PullRequest extends LookRequest {
  /** Folder that becomes the model; the usual one in the models folder if left out. */
  readonly dir?: string | undefined;
}

export interface PullFollowing {
  readonly onStart?: (download: Download) => void;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface PulledModel extends ListedModel {
  /** True where it was on this machine and nothing was downloaded. */
  readonly already: boolean;
}

export interface DownloadService {
  /**
   * Downloads a model, from where it was cut off before, and waits for its end.
   * @throws hub/…, model/not-usable, disk/…, download/…, Interrupted after an abort; what has come is kept
   */
  pull(request: PullRequest, following?: PullFollowing): Promise<PulledModel>;
  /** The same without waiting; its end is told by `onChange`. @returns what was begun, or the model that is here already */
  start(request: PullRequest): Promise<Download | PulledModel>;
  list(): Promise<Download[]>;
  /** @throws download/unknown */
  pause(id: string): Promise<void>;
  /** @throws download/unknown */
  resume(id: string): Promise<Download>;
  /** Ends it and deletes what has come. @throws download/unknown, download/at-work */
  cancel(id: string): Promise<void>;
  /** Pauses all. */
  close(): Promise<void>;
}

export interface DownloadObserver {
  readonly onDownload?: (download: Download) => void;
  /** It is finished or cancelled. */
  readonly onDownloadEnd?: (id: string, finished: ListedModel | null) => void;
}

export interface DownloadServiceOptions extends DownloadObserver {
  readonly history: History;
  readonly jobs: JobRunner;
  readonly access: HubAccessService;
  readonly hub: HubService;
  readonly models: ModelService;
}

interface LiveDownload {
  readonly stopping: AbortController;
  readonly ended: Promise<unknown>;
  progress: DownloadProgress | null;
}

type Begun = { readonly row: DownloadRow; readonly plan: DownloadPlan } | { readonly already: PulledModel };

export function createDownloadService(options: DownloadServiceOptions): DownloadService {
  return new Downloads(options);
}

class Downloads implements DownloadService {
  readonly #options: DownloadServiceOptions;
  readonly #live = new Map<string, LiveDownload>();

  constructor(options: DownloadServiceOptions) {
    this.#options = options;
  }

  async pull(request: PullRequest, { onStart, onProgress }: PullFollowing = {}): Promise<PulledModel> {
    const begun = await this.#begin(request);
    if ('already' in begun) return begun.already;
    const ended = this.#run(begun.row, begun.plan, request.signal, onProgress);
    onStart?.(await this.#describe(begun.row));
    return ended;
  }

  async start(request: PullRequest): Promise<Download | PulledModel> {
    const begun = await this.#begin(request);
    if ('already' in begun) return begun.already;
    this.#runAlone(begun.row, begun.plan);
    return this.#describe(begun.row);
  }

  async list(): Promise<Download[]> {
    const rows = listDownloads(await this.#options.history.open());
    return Promise.all(rows.map((row) => this.#describe(row)));
  }

  async pause(id: string): Promise<void> {
    const row = await this.#find(id);
    const live = this.#live.get(row.id);
    live?.stopping.abort();
    await live?.ended.catch(() => {});
    await this.#keepEnd(row.id, { paused: 1, error_json: null });
  }

  async resume(id: string): Promise<Download> {
    const row = await this.#find(id);
    if (this.#live.has(id)) return this.#describe(row);
    const plan = await readPlan(row.dir);
    if (plan === null) {
      const { model, revision, dir } = row;
      const begun = await this.#begin({ model, revision, dir });
      if ('already' in begun) throw new Error('internal: a download that is finished and unfinished');
      this.#runAlone(begun.row, begun.plan);
    } else {
      await this.#options.access.open();
      this.#runAlone(row, plan);
    }
    return this.#describe(row);
  }

  async cancel(id: string): Promise<void> {
    const row = await this.#find(id);
    const live = this.#live.get(id);
    live?.stopping.abort();
    await live?.ended.catch(() => {});
    const holder = await readHolder(lockFile(row.dir));
    if (holder !== null) throw atWork(row, holder.pid);
    await removeStaging(row.dir);
    deleteDownload(await this.#options.history.open(), id);
    this.#options.onDownloadEnd?.(id, null);
  }

  async close(): Promise<void> {
    const all = [...this.#live.entries()];
    for (const [, { stopping }] of all) stopping.abort();
    await Promise.all(all.map(([, { ended }]) => ended.catch(() => {})));
  }

  /** Looks at the model, chooses the folder, and writes down that it is begun. */
  async #begin(request: PullRequest): Promise<Begun> {
    const { access, hub, models, history } = this.#options;
    const own = await models.list();
    const isOffline = (await access.view()).offline;
    const here = isOffline && !request.dir ? findCopy(own, request.model, request.revision ?? null) : null;
    if (here) return { already: { ...here, already: true } };
    const looked = await hub.lookForDownload(request);
    const { id: model, revision, requested_revision, licence, gated, files } = looked;
    const plan = { model, revision, requested_revision, licence, gated, files };
    const wanted = request.dir === undefined ? null : path.resolve(request.dir);
    const copies = own.filter((listed) => wanted === null || listed.path === wanted);
    const copy = findCopy(copies, model, revision);
    if (copy) return { already: { ...copy, already: true } };
    const dir = wanted ?? (await chooseFolder(await access.modelsFolder(), plan));
    await requireFree(dir, plan);
    const db = await history.open();
    const total_bytes = looked.total_bytes;
    const state = { paused: 0, error_json: null, added_at: Date.now() } as const;
    upsertDownload(db, { id: crypto.randomUUID(), model, revision, requested_revision, dir, total_bytes, ...state });
    const row = findDownloadByDir(db, dir);
    if (!row) throw new Error('internal: the stored download vanished');
    return { row, plan };
  }

  async #run(
    row: DownloadRow,
    plan: DownloadPlan,
    signal?: AbortSignal,
    onProgress?: (progress: DownloadProgress) => void,
  ): Promise<PulledModel> {
    if (this.#live.has(row.id)) throw atWork(row, process.pid);
    const stopping = new AbortController();
    const stop = () => stopping.abort();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    const ended = this.#transfer(row, plan, stopping.signal, onProgress).finally(() => {
      signal?.removeEventListener('abort', stop);
    });
    // Somebody who closes the program waits for it too.
    ended.catch(() => {});
    this.#live.set(row.id, { stopping, ended, progress: null });
    return ended;
  }

  /** For the screens: nobody waits, its end is told. */
  #runAlone(row: DownloadRow, plan: DownloadPlan): void {
    this.#run(row, plan).catch(() => {});
  }

  async #transfer(
    row: DownloadRow,
    plan: DownloadPlan,
    signal: AbortSignal,
    onProgress: (progress: DownloadProgress) => void = () => {},
  ): Promise<PulledModel> {
    const { access, jobs, models, history } = this.#options;
    try {
      await this.#keepEnd(row.id, { paused: 0, error_json: null });
      const request = { access: await access.open(), plan, dir: row.dir };
      const onDownload = (progress: DownloadProgress) => {
        const live = this.#live.get(row.id);
        if (live) live.progress = progress;
        onProgress(progress);
        void this.#tell(row.id);
      };
      await followJob(await jobs.start('download', request, { onDownload }), signal);
      this.#live.delete(row.id);
      deleteDownload(await history.open(), row.id);
      const model = await models.addDownloaded(row.dir);
      this.#options.onDownloadEnd?.(row.id, model);
      return { ...model, already: false };
    } catch (error) {
      this.#live.delete(row.id);
      const isStopped = error instanceof Interrupted;
      const failure = isKilled(error) ? cutOff(row, error) : error;
      const error_json = isStopped || isKilled(error) ? null : toJson(failure);
      await this.#keepEnd(row.id, { paused: isStopped ? 1 : 0, error_json });
      throw failure;
    }
  }

  async #keepEnd(id: string, end: Pick<DownloadRow, 'paused' | 'error_json'>): Promise<void> {
    setDownloadEnd(await this.#options.history.open(), id, end);
    await this.#tell(id);
  }

  async #tell(id: string): Promise<void> {
    const { onDownload, history } = this.#options;
    if (!onDownload) return;
    const row = findDownload(await history.open(), id);
    if (row) onDownload(await this.#describe(row));
  }

  async #find(id: string): Promise<DownloadRow> {
    const row = findDownload(await this.#options.history.open(), id);
    if (row) return row;
    throw new AppError('download/unknown', 'This download is finished or was cancelled', { hint: 'Start it again.' });
  }

  async #describe(row: DownloadRow): Promise<Download> {
    const { id, model, revision, dir, total_bytes, added_at } = row;
    const live = this.#live.get(id);
    const progress = live?.progress ?? null;
    const done_bytes = progress?.done_bytes ?? (await countBytes(dir));
    const error = row.error_json === null ? null : (JSON.parse(row.error_json) as PlainError);
    const state = live ? 'running' : await endedState(row);
    return { id, model, revision, dir, state, total_bytes, done_bytes, added_at, progress, error: live ? null : error };
  }
}

async function endedState(row: DownloadRow): Promise<Download['state']> {
  if ((await readHolder(lockFile(row.dir))) !== null) return 'elsewhere';
  if (row.error_json !== null) return 'failed';
  return row.paused === 1 ? 'paused' : 'interrupted';
}

async function countBytes(dir: string): Promise<number> {
  const plan = await readPlan(dir);
  return plan ? countDone(dir, plan) : 0;
}

/** Another commit of a model that is here gets a folder of its own: runs that start from the first one must find it unchanged. */
async function chooseFolder(modelsFolder: string, { model, revision }: DownloadPlan): Promise<string> {
  const usual = path.join(modelsFolder, ...model.split('/'));
  const [record, begun] = await Promise.all([readRecord(usual), readPlan(usual)]);
  const taken = record ?? begun;
  return taken === null || taken.revision === revision ? usual : `${usual}@${revision.slice(0, 8)}`;
}

/** A folder that holds other things is not mixed with a model. @throws download/folder-in-use */
async function requireFree(dir: string, { model }: DownloadPlan): Promise<void> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[];
    throw new AppError('file/not-a-folder', `${dir} is no folder`, { hint: 'Choose another one.', cause: error });
  });
  const isBegun = names.includes(path.basename(stagingFolder(dir)));
  if (names.length === 0 || isBegun) return;
  if ((await readRecord(dir))?.model === model) return moveAside(dir);
  throw new AppError('download/folder-in-use', `${dir} holds other files already`, {
    hint: 'Choose a folder that is empty or not there yet.',
  });
}

/** A download of which files were lost since: what is left is not deleted, and does not stand in the way. */
async function moveAside(dir: string): Promise<void> {
  await rename(dir, `${dir}.damaged-${Date.now()}`);
}

function atWork({ model, dir }: DownloadRow, pid: number): AppError {
  return new AppError('download/at-work', `${model} is being downloaded to ${dir} by process ${pid}`, {
    hint: 'Wait until it has ended, or stop it first.',
  });
}

/** The system, or somebody, ended the process: nothing that is wrong with the download. */
function isKilled(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'job/killed';
}

function cutOff({ model }: DownloadRow, cause: AppError): AppError {
  return new AppError('download/cut-off', `The process that downloads ${model} was ended from outside`, {
    kind: 'environment',
    hint: 'What has come is kept; the same again goes on from there.',
    cause,
  });
}

function toJson(error: unknown): string {
  return JSON.stringify(error instanceof AppError ? toPlainError(error) : failWith(error).error);
}
