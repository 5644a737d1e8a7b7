/**
 * @file The entries of the list of models: what each is, whether the engine has its architecture, whether it fits.
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ModelRecord } from '../../src-shared/domain/history.ts';
import type { FoundModel, ListedModel, ModelFit } from '../../src-shared/domain/models.ts';
import { readRecord } from '../jobs/hub/download-folder.ts';
import { nameOfSnapshot } from './found-models.ts';
import { readAvailableMemory } from './machine-facts.ts';
import { readLicence, supportedTypes } from './model-details.ts';
import { judgeFit, type TrainingRoom } from './model-fit.ts';
import { readModelFolder } from './model-folder.ts';
import { locateRuntime } from './runtime-locator.ts';

export interface ModelLister {
  complete(model: ModelRecord): Promise<ListedModel>;
  completeFound(model: FoundModel): Promise<ListedModel>;
}

export function createModelLister(env: NodeJS.ProcessEnv): ModelLister {
  const complete: ModelLister['complete'] = async (model) => {
    const isWhole = await readModelFolder(model.path).then(
      () => true,
      () => false,
    );
    const record = await readRecord(model.path);
    return {
      ...model,
      licence: model.licence ?? (await readLicence(model.path)),
      usable: isWhole,
      supported: (await supportedTypes()).includes(model.model_type),
      revision: record?.revision ?? nameOfSnapshot(model.path)?.revision ?? null,
      fit: isWhole ? await fitOf(model.path, await readTrainingRoom(env)) : null,
    };
  };
  return {
    complete,
    async completeFound({ revision: _commit, ...found }) {
      const record = await readRecord(found.path);
      const source = record ? ('hub' as const) : ('found' as const);
      const added_at = record?.finished_at ?? (await stat(found.path)).mtimeMs;
      return complete({ ...found, id: idOfPath(found.path), source, licence: null, added_at: Math.round(added_at) });
    },
  };
}

/** Memory of the card where one is used, else of the machine; and whether only the wasm engine is there. */
export async function readTrainingRoom(env: NodeJS.ProcessEnv): Promise<TrainingRoom> {
  const runtime = await locateRuntime(env).catch(() => null);
  return { availableBytes: await readAvailableMemory(runtime?.kind === 'cuda'), isWasm: runtime === null };
}

/** The same each time; never a path itself, which ids may not be. */
function idOfPath(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 16);
}

async function fitOf(dir: string, room: TrainingRoom): Promise<ModelFit | null> {
  const text = await readFile(path.join(dir, 'config.json'), 'utf8');
  return judgeFit(JSON.parse(text) as Record<string, unknown>, room);
}
