/**
 * @file What a model folder says about itself. Reads configurations and headers only.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { EvaluatedTask } from '../../src-shared/domain/evaluation.ts';
import type { LinearGroup, ModelDetails } from '../../src-shared/domain/models.ts';
import type { TaskType } from '../../src-shared/schema/run-config.ts';
import { type ModelFolder, openModelFolder } from '../engine/formats/model-folder.ts';
import { readRecord } from '../jobs/hub/download-folder.ts';

const LAYER = /\.(?:layers|layer|h|block|blocks)\.(\d+)\./;
/** What BERT, DistilBERT and RoBERTa score words with. */
const WORD_HEAD = /^(?:cls\.predictions|vocab_transform|lm_head)\./;
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
  const task_types = await tasksOf(model_type);
  const supported = task_types.length > 0;
  const number = (...names: string[]) =>
    names.map((name): unknown => config[name]).find((value) => typeof value === 'number');
  const writesFromSource = task_types.includes('SEQ_2_SEQ_LM');
  const layers = number('num_hidden_layers', 'num_layers', 'n_layer');
  const decoderLayers = number('num_decoder_layers');
  return {
    path: dir,
    name: path.basename(dir),
    model_type,
    supported,
    task_types,
    answers_as: await findUse(folder, task_types),
    size_bytes: folder.totalBytes,
    parameters: entries.reduce((sum, { shape }) => sum + countNumbers(shape), 0),
    dtype: commonDtype(entries),
    // What an encoder-decoder says there is only what it was trained on: its positions are relative.
    context_tokens: writesFromSource ? null : (number('max_position_embeddings', 'n_positions') ?? null),
    licence: await readLicence(dir),
    vocab_size: number('vocab_size') ?? null,
    hidden_size: number('hidden_size', 'd_model', 'n_embd') ?? null,
    num_hidden_layers: layers === undefined ? null : layers + (writesFromSource ? (decoderLayers ?? layers) : 0),
    num_attention_heads: number('num_attention_heads', 'num_heads', 'n_head') ?? null,
    num_key_value_heads: number('num_key_value_heads') ?? null,
    has_chat_template: await hasChatTemplate(dir),
    linears: groupLinears(entries),
    faults: supported
      ? []
      : [{ file: folder.configPath, field: 'model_type', message: `the engine has no "${model_type}" yet` }],
  };
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

/** As the hub told it with the download, else `license:` in the front matter of the model card. */
export async function readLicence(dir: string): Promise<string | null> {
  const record = await readRecord(dir);
  if (record) return record.licence;
  const text = await readFile(path.join(dir, 'README.md'), 'utf8').catch(() => '');
  const [, matter = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? [];
  const [, licence = ''] = /^license:[ \t]*["']?([\w.+-]+)/m.exec(matter) ?? [];
  return licence || null;
}

/** Loaded at the first use: it brings the architectures with it. */
export async function supportedTypes(): Promise<readonly string[]> {
  const { MODEL_TYPES } = await import('../engine/models/registry.ts');
  return MODEL_TYPES;
}

/** By its heads: classes, words, or for an encoder none at all. */
async function findUse(folder: ModelFolder, [usual]: readonly TaskType[]): Promise<EvaluatedTask | null> {
  const { classesOfModel } = await import('../engine/recipes/find-classes.ts');
  if (usual === undefined) return null;
  if (classesOfModel(folder) !== null) return 'SEQ_CLS';
  if (usual !== 'SEQ_CLS') return usual;
  return folder.names().some((name) => WORD_HEAD.test(name)) ? 'MASKED_LM' : null;
}

/** The architectures are loaded at the first use. */
async function tasksOf(modelType: string): Promise<readonly TaskType[]> {
  const { DECODER_TYPES, ENCODER_DECODER_TYPES, ENCODER_TYPES } = await import('../engine/models/registry.ts');
  if (DECODER_TYPES.includes(modelType)) return ['CAUSAL_LM', 'SEQ_CLS'];
  if (ENCODER_DECODER_TYPES.includes(modelType)) return ['SEQ_2_SEQ_LM'];
  return ENCODER_TYPES.includes(modelType) ? ['SEQ_CLS'] : [];
}
