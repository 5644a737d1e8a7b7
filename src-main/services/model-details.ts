/**
 * @file What a model folder says about itself, and the model folders that the Hugging Face tools have left on this machine. Reads
 * configurations and headers only.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { FoundModel, LinearGroup, ModelDetails } from '../../src-shared/domain/models.ts';
import { type ModelFolder, openModelFolder } from '../engine/formats/model-folder.ts';
import { readModelFolder } from './model-folder.ts';

const LAYER = /\.(?:layers|layer|h|block|blocks)\.(\d+)\./;
/** Tables that are looked up, not multiplied with. */
const LOOKED_UP = /embed|wte|wpe|shared|relative_attention_bias/;

/** @throws model/not-found, model/not-a-model with all faults */
export async function describeModel(dir: string): Promise<ModelDetails> {
  const folder = await openModelFolder(path.resolve(dir));
  try {
    return await describe(folder);
  } finally {
    await folder.close();
  }
}

async function describe(folder: ModelFolder): Promise<ModelDetails> {
  const { config, path: dir } = folder;
  const entries = folder.names().map((name) => ({ name, ...pickShape(folder, name) }));
  const model_type = typeof config.model_type === 'string' ? config.model_type : 'unknown';
  const supported = (await supportedTypes()).includes(model_type);
  const number = (...names: string[]) => names.map((name) => config[name]).find((value) => typeof value === 'number');
  return {
    path: dir,
    name: path.basename(dir),
    model_type,
    supported,
    size_bytes: folder.totalBytes,
    parameters: entries.reduce((sum, { shape }) => sum + countNumbers(shape), 0),
    dtype: commonDtype(entries),
    context_tokens: number('max_position_embeddings', 'n_positions') ?? null,
    licence: await readLicence(dir),
    vocab_size: number('vocab_size') ?? null,
    hidden_size: number('hidden_size', 'd_model', 'n_embd') ?? null,
    num_hidden_layers: number('num_hidden_layers', 'num_layers', 'n_layer') ?? null,
    num_attention_heads: number('num_attention_heads', 'num_heads', 'n_head') ?? null,
    num_key_value_heads: number('num_key_value_heads') ?? null,
    has_chat_template: await hasChatTemplate(dir),
    linears: groupLinears(entries),
    faults: supported
      ? []
      : [{ file: folder.configPath, field: 'model_type', message: `the engine has no "${model_type}" yet` }],
  };
}

/** Models of the Hugging Face cache that can be opened, by name. */
export async function findCachedModels(env: NodeJS.ProcessEnv): Promise<FoundModel[]> {
  const root =
    env.HF_HUB_CACHE || path.join(env.HF_HOME || path.join(env.HOME || homedir(), '.cache/huggingface'), 'hub');
  const names = (await readdir(root).catch(() => [])).filter((name) => name.startsWith('models--'));
  const found = await Promise.all(names.map((name) => findSnapshot(path.join(root, name))));
  return found.flatMap((model) => model ?? []).sort((a, b) => a.name.localeCompare(b.name));
}

/** The snapshot that `main` names, else the newest one that is a model. */
async function findSnapshot(cached: string): Promise<FoundModel | null> {
  const main = await readFile(path.join(cached, 'refs', 'main'), 'utf8').catch(() => '');
  const snapshots = path.join(cached, 'snapshots');
  const ids: string[] = await readdir(snapshots).catch(() => []);
  const times = await Promise.all(ids.map(async (id) => (await stat(path.join(snapshots, id))).mtimeMs));
  const newestFirst = ids.map((id, at) => ({ id, time: times[at] ?? 0 })).sort((a, b) => b.time - a.time);
  const ordered: string[] = [main.trim(), ...newestFirst.map(({ id }) => id)].filter((id) => ids.includes(id));
  const name = path.basename(cached).slice('models--'.length).replace('--', '/');
  for (const id of ordered) {
    const found = await readModelFolder(path.join(snapshots, id)).catch(() => null);
    if (found) return { name, ...found };
  }
  return null;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

function pickShape(folder: ModelFolder, name: string): Omit<Entry, 'name'> {
  const { shape, dtype } = folder.entry(name);
  return { shape, dtype };
}

function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function commonDtype(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { dtype, shape } of entries) counts.set(dtype, (counts.get(dtype) ?? 0) + countNumbers(shape));
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'unknown';
}

/** Weight matrices [out, in] by name and shape, in the order of the file. */
function groupLinears(entries: readonly Entry[]): LinearGroup[] {
  const groups = new Map<string, { group: Omit<LinearGroup, 'layers'>; layers: number[] }>();
  for (const { name, shape } of entries) {
    const [out_features, in_features] = shape;
    if (!name.endsWith('.weight') || shape.length !== 2 || LOOKED_UP.test(name)) continue;
    if (out_features === undefined || in_features === undefined) continue;
    const last = name.split('.').at(-2) ?? name;
    const key = `${last} ${out_features} ${in_features}`;
    const known = groups.get(key) ?? { group: { name: last, in_features, out_features }, layers: [] };
    const [, layer] = LAYER.exec(name) ?? [];
    if (layer !== undefined) known.layers.push(Number(layer));
    groups.set(key, known);
  }
  return [...groups.values()].map(({ group, layers }) => ({ ...group, layers: layers.sort((a, b) => a - b) }));
}

async function hasChatTemplate(dir: string): Promise<boolean> {
  const names = await readdir(dir);
  if (names.includes('chat_template.jinja')) return true;
  const text = await readFile(path.join(dir, 'tokenizer_config.json'), 'utf8').catch(() => '{}');
  try {
    return Boolean((JSON.parse(text) as { chat_template?: unknown }).chat_template);
  } catch {
    return false; // the engine says what is wrong with it when it loads the tokenizer
  }
}

/** `license:` in the front matter of the model card. */
async function readLicence(dir: string): Promise<string | null> {
  const text = await readFile(path.join(dir, 'README.md'), 'utf8').catch(() => '');
  const [, matter = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? [];
  const [, licence = ''] = /^license:[ \t]*["']?([\w.+-]+)/m.exec(matter) ?? [];
  return licence || null;
}

/** Loaded at the first use: it brings the architectures with it. */
async function supportedTypes(): Promise<readonly string[]> {
  const { MODEL_TYPES } = await import('../engine/models/registry.ts');
  return MODEL_TYPES;
}
