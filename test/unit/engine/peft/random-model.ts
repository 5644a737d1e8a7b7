/**
 * @file Small Llama models with random weights in every tensor, biases included, and adapters written to disk.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { FileSet } from '../../../../src-main/engine/formats/file-set.ts';
import { openModelFolder, type ModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import { writeSafetensors } from '../../../../src-main/engine/formats/safetensors.ts';
import { encodeFloats, type WritableFloatDType } from '../../../../src-main/engine/formats/tensor-data.ts';
import type { AnyModel } from '../../../../src-main/engine/models/model.ts';
import { makeModel } from '../../../../src-main/engine/models/registry.ts';
import { attachPeft, type AttachedPeft } from '../../../../src-main/engine/peft/attach.ts';
import { PEFT_DEFAULTS } from '../../../../src-main/engine/peft/defaults.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';
import type { PeftConfig } from '../../../../src-shared/schema/run-config.ts';

export interface OpenedModel {
  readonly dir: string;
  readonly model: AnyModel;
  readonly folder: ModelFolder;
}

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 20,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 32,
  tie_word_embeddings: false,
};

/** T5 of the first version where `config` says nothing else; head sizes that do not make up the width, stacks of two heights. */
export const T5_CONFIG = {
  architectures: ['T5ForConditionalGeneration'],
  model_type: 't5',
  is_encoder_decoder: true,
  vocab_size: 20,
  d_model: 8,
  d_kv: 3,
  d_ff: 12,
  num_layers: 2,
  num_decoder_layers: 1,
  num_heads: 3,
  // So few that most of a short row's distances share one.
  relative_attention_num_buckets: 8,
  relative_attention_max_distance: 12,
  decoder_start_token_id: 0,
  pad_token_id: 0,
  eos_token_id: 1,
};
/** Its scores are not scaled and its norms have no bias: with less than this most gradients would be nothing. */
export const T5_SPREAD = 0.36;
/** What makes version 1.1 of it. */
export const T5_GATED = { feed_forward_proj: 'gated-gelu', tie_word_embeddings: false };

/** A folder of the test file's own, removed after its tests. */
export async function makeTestFolder(): Promise<(name: string) => string> {
  const root = await mkdtemp(path.join(tmpdir(), 'tunesmith-peft-'));
  afterAll(() => rm(root, { recursive: true, force: true }));
  return (name) => path.join(root, name);
}

/** Writes and opens a model. @param config laid over a Llama of two layers; another family's is complete */
export async function writeRandomModel(
  dir: string,
  config: Readonly<Record<string, unknown>> = {},
  dtype: WritableFloatDType = 'F32',
  spread = 0.3,
): Promise<OpenedModel> {
  await mkdir(dir, { recursive: true });
  const all = config['model_type'] === undefined ? { ...CONFIG, ...config } : config;
  await writeFile(path.join(dir, 'config.json'), JSON.stringify(all));
  await writeFile(path.join(dir, 'tokenizer_config.json'), '{}');
  const tensors = makeModel(all).weights.map(({ name, shape: ours, transposed }) => {
    const shape = transposed ? ours.toReversed() : ours;
    const size = shape.reduce((product, side) => product * side, 1);
    return { name, dtype, shape, data: encodeFloats(drawNormal(7, name, size, spread), dtype) };
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
  const folder = await openModelFolder(dir);
  afterAll(() => folder.close());
  return { dir, model: makeModel(all), folder };
}

/** Attaches with the defaults where nothing is said. */
export function attach(opened: OpenedModel, peft: Partial<PeftConfig> = {}, seed = 1): Promise<AttachedPeft> {
  return attachPeft({ ...opened, peft: { ...PEFT_DEFAULTS, ...peft }, loraPlus: null, seed });
}

export type Values = Map<string, Float32Array<ArrayBuffer>>;

/** Where the trained tensors start. */
export async function startOf(setup: AttachedPeft): Promise<Values> {
  const values: Values = new Map();
  for (const trainable of setup.trainables) values.set(trainable.name, await trainable.initial());
  return values;
}

/** Values as training might leave them: none is where it started. */
export async function trainedOf(setup: AttachedPeft, seed = 3): Promise<Values> {
  const values: Values = new Map();
  for (const [name, start] of await startOf(setup)) {
    const step = drawNormal(seed, name, start.length, 0.1);
    values.set(
      name,
      start.map((value, i) => value + step[i]!),
    );
  }
  return values;
}

export async function writeFiles(files: FileSet, dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const [name, content] of files) {
    await writeFile(path.join(dir, name), content);
  }
  return dir;
}

/** The AppError that something ends with. */
export async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

/** `field message` of every fault. */
export function faultsOf({ faults }: AppError): string[] {
  return faults.map(({ field, message }) => `${field ?? ''} ${message}`);
}
