/**
 * @file The folder of the downloads, and moving it: to another disk, for instance. A model that runs start from leaves a link in its old
 * place, since their configurations name it.
 */
import { cp, realpath, rename, rm, rmdir, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { ModelsMove } from '../../src-shared/domain/hub.ts';
import { folderBytes, PARTIAL_MARK } from '../jobs/atomic-files.ts';
import { requireSpace } from '../jobs/disk-space.ts';
import { systemErrorCode, withFileErrors } from '../jobs/file-errors.ts';
import { makeFolder } from '../jobs/make-folder.ts';
import { moveDownload } from '../store/downloads.ts';
import { countRunsOfModel, listRunsAtWork, moveModel } from '../store/models.ts';
import type { DownloadService } from './download-service.ts';
import type { History } from './history.ts';
import type { HubAccessService } from './hub-access.ts';
import type { ModelService } from './model-service.ts';
import type { SettingsService } from './settings-service.ts';

export interface MoveFollowing {
  readonly signal?: AbortSignal;
  /** @param fraction 0 to 1, by bytes */
  readonly onProgress?: (phase: string, fraction: number) => void;
}

export interface ModelsFolderService {
  /** What a move would take along. @throws models-folder/inside */
  plan(to: string): Promise<ModelsMove>;
  /** Moves them one by one, and lets downloads go there from now on. @throws disk/no-space, model/in-use, download/at-work, Interrupted */
  move(to: string, following?: MoveFollowing): Promise<ModelsMove>;
}

export interface ModelsFolderOptions {
  readonly history: History;
  readonly access: HubAccessService;
  readonly settings: SettingsService;
  readonly models: Pick<ModelService, 'list'>;
  readonly downloads: Pick<DownloadService, 'list'>;
}

export function createModelsFolderService(options: ModelsFolderOptions): ModelsFolderService {
  const { history, access, settings, models, downloads } = options;

  async function plan(to: string): Promise<ModelsMove> {
    const [from, target] = [await access.modelsFolder(), path.resolve(to)];
    if (isBelow(target, from) || isBelow(from, target)) throw inside(from, target);
    const [listed, begun] = await Promise.all([models.list(), downloads.list()]);
    const own = [
      ...listed.filter(({ source }) => source === 'hub').map(({ name, path: at }) => ({ name, at })),
      ...begun.map(({ model, dir }) => ({ name: model, at: dir })),
    ].filter(({ at }) => isBelow(at, from));
    const measured = own.map(async ({ name, at }) => ({
      name,
      path: at,
      to: path.join(target, path.relative(from, at)),
      bytes: await folderBytes(at),
    }));
    const all = await Promise.all(measured);
    const total_bytes = all.reduce((sum, { bytes }) => sum + bytes, 0);
    return { from, to: target, models: all, total_bytes, free_bytes: await freeBytesOf(target) };
  }

  async function requireIdle({ models: moved }: ModelsMove): Promise<void> {
    const db = await history.open();
    for (const { name, path: at } of moved) {
      const [run] = listRunsAtWork(db, at);
      if (run !== undefined) throw inUse('model/in-use', `${name} is in use by the run "${run}"`);
    }
    const busy = (await downloads.list()).find(({ state }) => state === 'running' || state === 'elsewhere');
    if (busy) throw inUse('download/at-work', `${busy.model} is being downloaded`);
  }

  return {
    plan,
    async move(to, { signal, onProgress = () => {} } = {}) {
      const planned = await plan(to);
      await requireIdle(planned);
      await makeFolder(planned.to);
      if (!(await isSameDisk(planned.from, planned.to))) {
        const hint = 'Free some space there, or choose another folder.';
        await requireSpace(planned.to, planned.total_bytes, { what: 'moving the models', hint });
      }
      const db = await history.open();
      let doneBytes = 0;
      for (const { name, path: from, to: target, bytes } of planned.models) {
        if (signal?.aborted) throw new Interrupted('Stopped. What was moved stays where it is now.');
        onProgress(`Moving ${name}`, planned.total_bytes === 0 ? 0 : doneBytes / planned.total_bytes);
        await withFileErrors(target, () => moveFolder(from, target));
        moveModel(db, from, target);
        moveDownload(db, from, target);
        if (countRunsOfModel(db, from) > 0) await symlink(target, from, 'junction');
        else await rmdir(path.dirname(from)).catch(() => {});
        doneBytes += bytes;
      }
      await settings.change({ models_folder: planned.to });
      return planned;
    },
  };
}

/** Whole or not at all, also onto another disk. */
async function moveFolder(from: string, to: string): Promise<void> {
  await makeFolder(path.dirname(to));
  try {
    return await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
  }
  const partial = path.join(path.dirname(to), `${PARTIAL_MARK}${path.basename(to)}`);
  await rm(partial, { recursive: true, force: true });
  try {
    await cp(from, partial, { recursive: true, errorOnExist: true, preserveTimestamps: true });
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await rm(from, { recursive: true, force: true });
}

async function isSameDisk(from: string, to: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(from).catch(() => null), stat(await realpath(to))]);
  return a === null || a.dev === b.dev;
}

function isBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(folder + path.sep);
}

function inside(from: string, to: string): AppError {
  const what = from === to ? `${to} is the folder of the downloads already` : `${to} and ${from} lie in one another`;
  return new AppError('models-folder/inside', what, { hint: 'Choose a folder beside it or on another disk.' });
}

function inUse(code: string, message: string): AppError {
  return new AppError(code, message, { hint: 'Wait until it has ended, or stop it first; then move.' });
}
