/**
 * @file A look at a Hugging Face model folder without loading it: is it one, what kind, how large. The engine checks the rest when it
 * loads the model.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, type Fault } from '../../src-shared/domain/app-error.ts';
import { readShardNames, SINGLE_WEIGHTS, WEIGHTS_INDEX } from '../jobs/hub/choose-files.ts';

export interface ModelFolder {
  /** Absolute path. */
  readonly path: string;
  readonly model_type: string;
  /** Bytes of the weight files. */
  readonly size_bytes: number;
  readonly context_tokens: number | null;
}

const configSchema = z.looseObject({
  model_type: z.string().min(1),
  max_position_embeddings: z.number().optional(),
  n_positions: z.number().optional(),
});

/** @throws model/not-a-model with all that is missing */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const dir = path.resolve(folder);
  const names = await readdir(dir).catch(() => null);
  if (names === null) {
    throw new AppError('model/not-found', `${folder}: no such folder`, {
      hint: 'Give the folder that holds config.json and the .safetensors files.',
      faults: [{ file: folder, message: 'no such folder' }],
    });
  }
  const config = names.includes('config.json') ? await readConfig(path.join(dir, 'config.json')) : null;
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  const faults = [...listFaults(folder, names, config, weights), ...(await findMissingShards(dir, names))];
  if (config === null || faults.length > 0) {
    const list = faults.map(({ message }) => message).join('; ');
    throw new AppError('model/not-a-model', `${folder} is no model that can be used: ${list}`, {
      hint: 'Download all files of the model: config.json, tokenizer.json, tokenizer_config.json and *.safetensors.',
      faults,
    });
  }
  const sizes = await Promise.all(weights.map(async (name) => (await stat(path.join(dir, name))).size));
  return {
    path: dir,
    model_type: config.model_type,
    size_bytes: sizes.reduce((sum, size) => sum + size, 0),
    context_tokens: config.max_position_embeddings ?? config.n_positions ?? null,
  };
}

async function readConfig(file: string): Promise<z.infer<typeof configSchema> | null> {
  try {
    return configSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}

/** Shards that the index names and that are not there: a copy that was cut off. */
async function findMissingShards(dir: string, names: readonly string[]): Promise<Fault[]> {
  if (names.includes(SINGLE_WEIGHTS) || !names.includes(WEIGHTS_INDEX)) return [];
  const file = path.join(dir, WEIGHTS_INDEX);
  const shards = readShardNames(await readFile(file, 'utf8').catch(() => ''));
  if (shards === null) return [{ file, message: `${WEIGHTS_INDEX} names no .safetensors files` }];
  const present = await Promise.all(shards.map((name) => stat(path.join(dir, name)).catch(() => null)));
  const missing = shards.filter((_, at) => !present[at]);
  if (missing.length === 0) return [];
  const message = `${missing.length} of ${shards.length} weight files are missing (${missing[0]}): the copy is not whole`;
  return [{ file: path.join(dir, missing[0] ?? ''), message }];
}

function listFaults(
  folder: string,
  names: readonly string[],
  config: object | null,
  weights: readonly string[],
): Fault[] {
  const at = (name: string) => path.join(folder, name);
  const faults: Fault[] = [];
  if (!names.includes('config.json')) faults.push({ file: at('config.json'), message: 'config.json is missing' });
  else if (config === null) faults.push({ file: at('config.json'), message: 'config.json names no model_type' });
  if (!names.includes('tokenizer.json'))
    faults.push({ file: at('tokenizer.json'), message: 'tokenizer.json is missing' });
  if (weights.length > 0) return faults;
  const pickled = names.filter((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  const message =
    pickled.length > 0
      ? `its weights are pickle files (${pickled[0]}), which can run code and are not read; take the .safetensors version`
      : 'no .safetensors file';
  return [...faults, { file: folder, message }];
}
