/**
 * @file Writes a Hugging Face model folder: config.json, one safetensors file or several with an index, and copies of files that go
 * with the model (tokenizer, generation settings, licence).
 */
import { copyFile, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { writeFlushed, writeFolderBeside } from './atomic-output.ts';
import { encodeModelConfig } from './config-text.ts';
import type { JsonObject } from './json-file.ts';
import { INDEX_FILE, SINGLE_FILE } from './model-folder.ts';
import { streamSafetensors, sumBytes, type TensorToWrite } from './safetensors.ts';

export interface ModelToWrite {
  readonly config: JsonObject;
  /** In the order to write; data best made when asked for. */
  readonly tensors: readonly TensorToWrite[];
  /** The original model's folder: its tokenizer and other companions come along, and config.json keeps its way of writing numbers. */
  readonly copyFrom?: string;
  /** Largest weight file; 5 GB when left out. */
  readonly maxShardBytes?: number;
}

/** Small enough for downloads and for every file system. */
const MAX_SHARD_BYTES = 5 * 10 ** 9;

/**
 * Writes the folder beside and renames it.
 * @returns names of the files, and their bytes together
 * @throws output/not-empty, disk/full, file/not-permitted; nothing is left behind then
 */
export async function writeModelFolder(dir: string, model: ModelToWrite): Promise<{ files: string[]; bytes: number }> {
  const shards = splitIntoShards(model.tensors, model.maxShardBytes ?? MAX_SHARD_BYTES);
  const files: string[] = [];
  let bytes = 0;
  await writeFolderBeside(dir, async (partial) => {
    if (model.copyFrom !== undefined) await copyCompanions(model.copyFrom, partial);
    await writeFlushed(
      path.join(partial, 'config.json'),
      encodeModelConfig(model.config, await readOriginal(model.copyFrom)),
    );
    for (const [name, tensors] of shards) {
      await writeFlushed(path.join(partial, name), async (sink) => {
        for await (const chunk of streamSafetensors(tensors)) await sink.write(chunk);
      });
    }
    if (shards.size > 1) await writeFlushed(path.join(partial, INDEX_FILE), encodeIndex(shards));
    files.push(...(await readdir(partial)).sort());
    for (const name of files) bytes += (await stat(path.join(partial, name))).size;
  });
  return { files, bytes };
}

/** Text of the config.json that the new one comes from, for the way its numbers are written. */
async function readOriginal(copyFrom: string | undefined): Promise<string | undefined> {
  return copyFrom && readFile(path.join(copyFrom, 'config.json'), 'utf8').catch(() => undefined);
}

async function copyCompanions(from: string, to: string): Promise<void> {
  for (const name of await listCompanions(from)) await copyFile(path.join(from, name), path.join(to, name));
}

/** Files beside the weights that a model is used with. Weights in other formats and configuration of ours stay behind. */
export async function listCompanions(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const wanted = entries.filter(
    (entry) =>
      !entry.isDirectory() &&
      /\.(json|txt|model|jinja)$|^(LICENSE|NOTICE)/.test(entry.name) &&
      !entry.name.startsWith('.') &&
      !entry.name.startsWith('adapter_') &&
      !entry.name.endsWith('.index.json') &&
      entry.name !== 'config.json',
  );
  return wanted.map(({ name }) => name);
}

function splitIntoShards(tensors: readonly TensorToWrite[], limit: number): Map<string, TensorToWrite[]> {
  const shards: TensorToWrite[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const size = sumBytes([tensor]);
    if (shards.length === 0 || size > room) {
      shards.push([]);
      room = limit;
    }
    shards.at(-1)!.push(tensor);
    room -= size;
  }
  if (shards.length <= 1) return new Map([[SINGLE_FILE, shards[0] ?? []]]);
  const padded = (count: number) => String(count).padStart(5, '0');
  return new Map(shards.map((shard, i) => [`model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`, shard]));
}

function encodeIndex(shards: ReadonlyMap<string, readonly TensorToWrite[]>): string {
  const weightMap: Record<string, string> = {};
  let totalSize = 0;
  for (const [file, tensors] of shards) {
    for (const { name } of tensors) weightMap[name] = file;
    totalSize += sumBytes(tensors);
  }
  return `${JSON.stringify({ metadata: { total_size: totalSize }, weight_map: weightMap }, null, 2)}\n`;
}
