/**
 * @file Looks for models by words, most downloaded first; one request, whatever it takes to judge a model coming with it.
 */
import { listModels } from '@huggingface/hub';
import { z } from 'zod';
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import type { HubModel } from '../../../src-shared/domain/hub.ts';
import { explainNoWeights } from './choose-files.ts';
import type { HubClient } from './hub-client.ts';
import { badAnswer } from './hub-errors.ts';
import { readLicence, readModelType, readWeightSize } from './model-card.ts';

export type FoundOnHub = Omit<HubModel, 'fit' | 'path'>;

export interface SearchOptions {
  readonly limit: number;
  /** Types that the engine has. */
  readonly supportedTypes: readonly string[];
}

const entrySchema = z.looseObject({
  name: z.string(),
  downloads: z.number().nullish(),
  likes: z.number().nullish(),
  gated: z.union([z.boolean(), z.string()]).nullish(),
  filePaths: z.array(z.string()).nullish(),
  config: z.unknown(),
  safetensors: z.unknown(),
  cardData: z.unknown(),
  tags: z.unknown(),
});

/** @throws hub/… */
export async function searchModels(
  hub: HubClient,
  query: string,
  { limit, supportedTypes }: SearchOptions,
): Promise<FoundOnHub[]> {
  const entries = listModels({
    search: { query },
    sort: 'downloads',
    limit,
    hubUrl: hub.endpoint,
    fetch: hub.fetchFor({ model: null }),
    additionalFields: ['config', 'safetensors', 'cardData', 'tags', 'filePaths'],
  });
  const found: FoundOnHub[] = [];
  for await (const entry of entries) {
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) throw badAnswer({ model: null }, 'its list of models');
    found.push(describeEntry(parsed.data, supportedTypes));
  }
  return found;
}

function describeEntry(entry: z.infer<typeof entrySchema>, supportedTypes: readonly string[]): FoundOnHub {
  const model_type = readModelType(entry.config);
  const size = readWeightSize(entry.safetensors);
  return {
    id: entry.name,
    downloads: entry.downloads ?? 0,
    likes: entry.likes ?? 0,
    gated: Boolean(entry.gated),
    licence: readLicence(entry),
    model_type,
    parameters: size?.parameters ?? null,
    size_bytes: size?.bytes ?? null,
    faults: listFaults(entry.filePaths ?? [], model_type, supportedTypes),
  };
}

/** As far as names tell; a look at the model tells the rest. */
function listFaults(names: readonly string[], type: string | null, supportedTypes: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  const hasWeights = names.some((name) => /^model([.-].*)?\.safetensors(\.index\.json)?$/.test(name));
  if (names.length > 0 && !hasWeights) {
    faults.push(
      names.includes('adapter_config.json')
        ? { file: 'adapter_config.json', message: 'this is an adapter, not a model' }
        : explainNoWeights(names),
    );
  }
  if (type !== null && !supportedTypes.includes(type)) {
    faults.push({ file: 'config.json', field: 'model_type', message: `the engine has no "${type}" yet` });
  }
  return faults;
}
