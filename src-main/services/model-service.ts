/**
 * @file Models to start from: the sample, what the person has imported or downloaded, what was found on this machine. All are used where
 * they are; only downloads are ever deleted.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { ModelRecord } from '../../src-shared/domain/history.ts';
import type { RemovedModel } from '../../src-shared/domain/hub.ts';
import type { ListedModel, ModelDetails } from '../../src-shared/domain/models.ts';
import { readRecord, removeDownloaded } from '../jobs/hub/download-folder.ts';
import {
  countRunsOfModel,
  deleteModel,
  findModelByPath,
  listModels,
  listRunsAtWork,
  upsertModel,
} from '../store/models.ts';
import { findModels, nameOfSnapshot } from './found-models.ts';
import type { History } from './history.ts';
import { createModelLister } from './list-models.ts';
import { describeModel } from './model-details.ts';
import { readModelFolder } from './model-folder.ts';

/** What the sample is called where a model folder is expected. */
export const SAMPLE_MODEL = 'sample';

export type { ListedModel };

export interface ModelService {
  /** The sample first, then by name: what was imported, downloaded and found. */
  list(): Promise<ListedModel[]>;
  /** @throws model/not-found, model/not-a-model */
  importFolder(folder: string, name?: string): Promise<ModelRecord>;
  /** Puts a finished download into the list. @throws model/not-a-model where its files, though whole, cannot be read */
  addDownloaded(folder: string): Promise<ListedModel>;
  /**
   * Takes it off the list; of a download the files are deleted too, unless they are to be kept.
   * @param model name, id or folder
   * @throws model/unknown, model/found-elsewhere, model/in-use
   */
  remove(model: string, options?: { readonly keepFiles?: boolean }): Promise<RemovedModel>;
  /** Reads configuration and headers. @throws model/not-found, model/not-a-model */
  describe(folder: string): Promise<ModelDetails>;
  /** The folder that a person means by a name from the list or by a path. */
  resolveFolder(model: string): Promise<string>;
}

export interface ModelServiceOptions {
  readonly history: History;
  /** Folder with sample-model/ and sample-data/. */
  readonly resources: string;
  readonly env: NodeJS.ProcessEnv;
  /** Folders that are looked through, that of the downloads among them. */
  readonly places: () => Promise<readonly string[]>;
}

/** Where the sample model and data are in a clone. */
export const RESOURCES_FOLDER = fileURLToPath(new URL('../../resources/', import.meta.url));

export function createModelService({ history, resources, env, places }: ModelServiceOptions): ModelService {
  const sampleFolder = path.join(resources, 'sample-model');
  const lister = createModelLister(env);

  async function listSample(): Promise<ListedModel[]> {
    const found = await readModelFolder(sampleFolder).catch(() => null);
    if (found === null) return [];
    const about = { id: SAMPLE_MODEL, name: SAMPLE_MODEL, source: 'sample' as const, added_at: 0 };
    return [await lister.complete({ ...found, ...about, licence: 'apache-2.0' })];
  }

  async function list(): Promise<ListedModel[]> {
    const listed = listModels(await history.open());
    const known = new Set(listed.map((model) => model.path));
    const found = (await findModels(env, await places())).filter((model) => !known.has(model.path));
    const completed = await Promise.all([
      ...listed.map((model) => lister.complete(model)),
      ...found.map((model) => lister.completeFound(model)),
    ]);
    return [...(await listSample()), ...completed.sort((a, b) => a.name.localeCompare(b.name))];
  }

  /** What was put into the list comes before what was found. */
  async function find(model: string): Promise<ListedModel | null> {
    const folder = path.resolve(model);
    const means = ({ id, name, path: at }: ListedModel) => id === model || name === model || at === folder;
    const all = (await list()).filter(means);
    return all.find(({ source }) => source !== 'found') ?? all[0] ?? null;
  }

  return {
    list,
    async importFolder(folder, name) {
      const found = await readModelFolder(folder);
      // Weights that were cut off must not be taken for a model.
      await describeModel(found.path);
      const usual = nameOfSnapshot(found.path)?.name ?? path.basename(found.path);
      return store({ name: name ?? usual, source: 'imported', licence: null, ...found });
    },
    async addDownloaded(folder) {
      const found = await readModelFolder(folder);
      const record = await readRecord(folder);
      const [name, licence] = [record?.model ?? path.basename(found.path), record?.licence ?? null];
      const stored = await store({ name, licence, source: 'hub', ...found });
      // The files are as the hub has them; whether they are a model is another question.
      await describeModel(found.path);
      return lister.complete(stored);
    },
    async remove(model, { keepFiles = false } = {}) {
      const known = await find(model);
      if (known === null) throw unknownModel(model);
      if (known.source === 'sample' || known.source === 'found') throw foundElsewhere(known);
      const db = await history.open();
      const record = known.source === 'hub' && !keepFiles ? await readRecord(known.path) : null;
      const [atWork] = record ? listRunsAtWork(db, known.path) : [];
      if (atWork !== undefined) throw inUse(known, atWork);
      const freed_bytes = record ? await removeDownloaded(known.path, record) : 0;
      deleteModel(db, known.id);
      const { id, name } = known;
      return { id, name, path: known.path, freed_bytes, runs: countRunsOfModel(db, known.path) };
    },
    async describe(folder) {
      const details = await describeModel(folder);
      if (details.path === path.resolve(sampleFolder)) return { ...details, name: SAMPLE_MODEL };
      const record = await readRecord(details.path);
      const listed = findModelByPath(await history.open(), details.path);
      const name = listed?.name ?? record?.model ?? nameOfSnapshot(details.path)?.name;
      return { ...details, ...(name && { name }) };
    },
    async resolveFolder(model) {
      if (existsSync(model)) return path.resolve(model);
      if (model === SAMPLE_MODEL) return sampleFolder;
      // A path that is not there is the engine's to report.
      return (path.isAbsolute(model) ? null : (await find(model))?.path) ?? path.resolve(model);
    },
  };

  async function store(model: Omit<ModelRecord, 'id' | 'added_at'>): Promise<ModelRecord> {
    const db = await history.open();
    upsertModel(db, { ...model, id: crypto.randomUUID(), added_at: Date.now() });
    const stored = findModelByPath(db, model.path);
    if (!stored) throw new Error('internal: the stored model vanished');
    return stored;
  }
}

function unknownModel(model: string): AppError {
  return new AppError('model/unknown', `There is no model "${model}" in the list`, {
    hint: '`tunesmith models list` shows them.',
  });
}

function foundElsewhere({ name, path: folder, source }: ListedModel): AppError {
  const what = source === 'sample' ? 'comes with Tunesmith' : 'was put there by another program';
  return new AppError('model/found-elsewhere', `${name} (${folder}) ${what} and is not deleted`, {
    hint: 'Tunesmith deletes only what it has downloaded itself. To free the space, use the program that put it there.',
  });
}

function inUse({ name }: ListedModel, run: string): AppError {
  return new AppError('model/in-use', `${name} is in use by the run "${run}"`, {
    hint: 'Wait until it has ended, or stop it first.',
  });
}
