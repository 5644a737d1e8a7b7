/**
 * @file Models to start from: the sample and what the person has imported. Imported folders are used where they are.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { ModelRecord } from '../../src-shared/domain/history.ts';
import type { FoundModel, ListedModel, ModelDetails } from '../../src-shared/domain/models.ts';
import { deleteModel, findModelByPath, listModels, upsertModel } from '../store/models.ts';
import type { History } from './history.ts';
import { describeModel, findCachedModels } from './model-details.ts';
import { readModelFolder } from './model-folder.ts';

/** What the sample is called where a model folder is expected. */
export const SAMPLE_MODEL = 'sample';

export type { ListedModel };

export interface ModelService {
  /** The sample first, then by name. */
  list(): Promise<ListedModel[]>;
  /** @throws model/not-found, model/not-a-model */
  importFolder(folder: string, name?: string): Promise<ModelRecord>;
  /** Takes it off the list; the folder stays. @param model name, id or folder */
  remove(model: string): Promise<ModelRecord>;
  /** Models of the Hugging Face cache that are not in the list. */
  findCached(): Promise<FoundModel[]>;
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
}

/** Where the sample model and data are in a clone. */
export const RESOURCES_FOLDER = fileURLToPath(new URL('../../resources/', import.meta.url));

export function createModelService({ history, resources, env }: ModelServiceOptions): ModelService {
  const sampleFolder = path.join(resources, 'sample-model');

  async function listSample(): Promise<ListedModel[]> {
    const found = await readModelFolder(sampleFolder).catch(() => null);
    if (found === null) return [];
    const about = {
      id: SAMPLE_MODEL,
      name: SAMPLE_MODEL,
      source: 'sample' as const,
      licence: 'apache-2.0',
      added_at: 0,
    };
    return [{ ...about, ...found, usable: true }];
  }

  async function findListed(model: string): Promise<ModelRecord | null> {
    const db = await history.open();
    const known = listModels(db).find(({ id, name }) => id === model || name === model);
    return known ?? findModelByPath(db, path.resolve(model));
  }

  return {
    async list() {
      const imported = listModels(await history.open());
      const checked = imported.map(async (model) => ({
        ...model,
        usable: await readModelFolder(model.path).then(
          () => true,
          () => false,
        ),
      }));
      return [...(await listSample()), ...(await Promise.all(checked))];
    },
    async importFolder(folder, name = path.basename(path.resolve(folder))) {
      const found = await readModelFolder(folder);
      const db = await history.open();
      const id = crypto.randomUUID();
      upsertModel(db, { id, name, source: 'imported', licence: null, added_at: Date.now(), ...found });
      const stored = findModelByPath(db, found.path);
      if (!stored) throw new Error('internal: the imported model vanished');
      return stored;
    },
    async remove(model) {
      const known = await findListed(model);
      if (!known) {
        throw new AppError('model/unknown', `There is no model "${model}" in the list`, {
          hint: '`tunesmith models list` shows them.',
        });
      }
      deleteModel(await history.open(), known.id);
      return known;
    },
    async findCached() {
      const known = listModels(await history.open()).map((model) => model.path);
      return (await findCachedModels(env)).filter((model) => !known.includes(model.path));
    },
    async describe(folder) {
      const details = await describeModel(folder);
      const listed = await findListed(details.path);
      const name = details.path === path.resolve(sampleFolder) ? SAMPLE_MODEL : listed?.name;
      return { ...details, ...(name && { name }) };
    },
    async resolveFolder(model) {
      if (existsSync(model)) return path.resolve(model);
      if (model === SAMPLE_MODEL) return sampleFolder;
      // A name cannot hold a separator; a path that is not there is the engine's to report.
      if (/[\\/]/.test(model)) return path.resolve(model);
      return (await findListed(model))?.path ?? path.resolve(model);
    },
  };
}
