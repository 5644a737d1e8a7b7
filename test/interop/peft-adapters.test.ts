/**
 * @file Adapters of every kind between PEFT and us, without the device: PEFT's merged by us against PEFT's own sum, and ours exported for
 * PEFT against what we merge.
 *
 * Tolerance 1e-4 absolute in f32 on logits of order one to ten: the update is added before or after the product with W. PiSSA's bases
 * differ by what two singular value decompositions differ in, which is below that.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openModelFolder } from '../../src-main/engine/formats/model-folder.ts';
import { makeModel } from '../../src-main/engine/models/registry.ts';
import type { EngineHost } from '../../src-main/engine/recipes/contract.ts';
import { exportModel } from '../../src-main/engine/recipes/export-model.ts';
import { mergeAdapter } from '../../src-main/engine/recipes/merge.ts';
import type { PeftConfig } from '../../src-shared/schema/run-config.ts';
import { attach, trainedOf, writeFiles } from '../unit/engine/peft/random-model.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { randomTokens } from './support/random.ts';
import { largestDifference, readOnlyTensor } from './support/tensors.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const TOLERANCE = 1e-4;
const LEAST_CHANGE = 0.1;
const VOCAB = 160;
const TOKENS = randomTokens(5, 40, VOCAB);
const SHAPE = {
  vocab_size: VOCAB,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  attention_bias: true,
};
const MODELS = { untied: { ...SHAPE, tie_word_embeddings: false }, tied: { ...SHAPE, tie_word_embeddings: true } };

interface Case {
  readonly name: string;
  readonly model?: keyof typeof MODELS;
  readonly peft: Partial<PeftConfig> & { readonly ensure_weight_tying?: boolean };
}

const FROM_PEFT: readonly Case[] = [
  { name: 'DoRA', peft: { r: 4, target_modules: 'all-linear', use_dora: true } },
  {
    name: 'patterns, rank-stabilized',
    peft: {
      r: 4,
      target_modules: 'all-linear',
      use_rslora: true,
      rank_pattern: { q_proj: 9 },
      alpha_pattern: { k_proj: 7 },
    },
  },
  {
    name: 'whole modules',
    peft: { r: 4, target_modules: ['q_proj', 'o_proj'], modules_to_save: ['lm_head', 'embed_tokens', 'norm'] },
  },
  {
    name: 'tied embedding',
    model: 'tied',
    peft: { r: 4, target_modules: ['q_proj'], modules_to_save: ['embed_tokens'], ensure_weight_tying: true },
  },
  { name: 'head adapted', peft: { r: 4, target_modules: ['q_proj', 'lm_head'] } },
  { name: 'embedding adapted', peft: { r: 4, target_modules: ['embed_tokens', 'q_proj'], use_rslora: true } },
  { name: 'DoRA of the embedding', peft: { r: 4, target_modules: ['embed_tokens', 'q_proj'], use_dora: true } },
  {
    name: 'DoRA of the embedding, its table the head too',
    model: 'tied',
    peft: { r: 4, target_modules: ['embed_tokens'], use_dora: true, use_rslora: true },
  },
  {
    name: 'embedding adapted, its table the head too',
    model: 'tied',
    peft: { r: 4, target_modules: ['embed_tokens', 'up_proj'], rank_pattern: { embed_tokens: 6 } },
  },
  {
    name: 'PiSSA as trained, with the embedding',
    peft: { r: 4, target_modules: ['q_proj', 'embed_tokens'], init_lora_weights: 'pissa' },
  },
  { name: 'some layers', peft: { r: 4, target_modules: ['up_proj'], layers_to_transform: [1] } },
  {
    name: 'PiSSA as trained',
    peft: { r: 4, target_modules: ['q_proj', 'up_proj', 'down_proj'], init_lora_weights: 'pissa' },
  },
];

const FROM_US: readonly Case[] = [
  { name: 'Quasi-LoRA', peft: { peft_type: 'QLORA', r: 4, lora_alpha: 12 } },
  { name: 'embedding adapted', model: 'tied', peft: { r: 4, target_modules: ['embed_tokens', 'v_proj'] } },
  {
    name: 'DoRA of the embedding',
    peft: { r: 4, target_modules: ['embed_tokens', 'v_proj'], use_dora: true, init_lora_weights: false },
  },
  {
    name: 'Quasi-LoRA with the embedding',
    peft: { peft_type: 'QLORA', r: 4, target_modules: '.*(embed_tokens|gate_proj)', rank_pattern: { embed_tokens: 2 } },
  },
  {
    name: 'PiSSA with the embedding',
    peft: { r: 4, init_lora_weights: 'pissa', target_modules: ['embed_tokens', 'o_proj'] },
  },
  { name: 'DoRA', peft: { r: 4, use_dora: true, target_modules: ['query', 'value'] } },
  { name: 'DoRA with random B', peft: { r: 4, use_dora: true, init_lora_weights: false } },
  { name: 'PiSSA', peft: { r: 4, init_lora_weights: 'pissa' } },
  {
    name: 'PiSSA, rank-stabilized, patterns',
    peft: {
      r: 4,
      init_lora_weights: 'pissa',
      use_rslora: true,
      rank_pattern: { q_proj: 6 },
      alpha_pattern: { up_proj: 9 },
      target_modules: ['q_proj', 'up_proj'],
    },
  },
  {
    name: 'biases of some modules',
    peft: { r: 4, target_modules: ['o_proj'], bias: ['q_proj', '0.self_attn.o_proj'] },
  },
  {
    name: 'all biases, some layers',
    peft: { r: 4, bias: 'all', layers_to_transform: [0], exclude_modules: ['down_proj'] },
  },
  { name: 'tied embedding and norms', model: 'tied', peft: { r: 4, modules_to_save: ['embed_tokens', 'norm'] } },
];

const folder = makeWorkFolder('peft-adapters');
const place = (group: string, index: number, name: string) => path.join(folder, `${group}-${index}`, name);
const modelOf = ({ model = 'untied' }: Case) => path.join(folder, model);
const host: EngineHost = {
  bindingPath: null,
  now: () => performance.now(),
  signal: new AbortController().signal,
  report: () => undefined,
};

beforeAll(async () => {
  const models = Object.entries(MODELS).map(([name, config], seed) => ({
    op: 'make_model',
    folder: path.join(folder, name),
    model_type: 'llama',
    config,
    seed,
  }));
  const adapters = FROM_PEFT.flatMap((item, index) => [
    { op: 'make_adapter', model: modelOf(item), folder: place('theirs', index, 'adapter'), peft: item.peft },
    adapterLogits(item, place('theirs', index, 'adapter'), place('theirs', index, 'reference.safetensors')),
  ]);
  for (const index of FROM_PEFT.keys()) mkdirSync(place('theirs', index, ''), { recursive: true });
  const results = await runReference(folder, [...models, ...adapters]);
  for (const { change_from_base: change } of results) {
    if (change !== undefined) expect(change).toBeGreaterThan(LEAST_CHANGE);
  }
}, REFERENCE_TIMEOUT_MS);

function adapterLogits(item: Case, adapter: string, out: string) {
  return { op: 'adapter_logits', model: modelOf(item), folder: adapter, tokens: TOKENS, out };
}

function modelLogits(model: string, out: string) {
  return { op: 'model_logits', folder: model, tokens: TOKENS, out };
}

test(
  'adapters of PEFT, merged by us, give transformers the logits of base + adapter',
  async () => {
    for (const [index, item] of FROM_PEFT.entries()) {
      const adapterDir = place('theirs', index, 'adapter');
      const outputDir = place('theirs', index, 'merged');
      await mergeAdapter({ host, modelDir: modelOf(item), adapterDir, outputDir, dtype: null });
    }
    const tasks = [...FROM_PEFT.keys()].map((index) =>
      modelLogits(place('theirs', index, 'merged'), place('theirs', index, 'merged.safetensors')),
    );
    await runReference(folder, tasks);
    const differences = FROM_PEFT.map(({ name }, index) => {
      const merged = readOnlyTensor(place('theirs', index, 'merged.safetensors')).data;
      const reference = readOnlyTensor(place('theirs', index, 'reference.safetensors')).data;
      return { name, difference: largestDifference(merged, reference) };
    });
    expect(differences.filter(({ difference }) => !(difference <= TOLERANCE))).toEqual([]);
  },
  REFERENCE_TIMEOUT_MS,
);

test(
  'adapters of ours, exported, give PEFT the logits of what we merge',
  async () => {
    for (const [index, item] of FROM_US.entries()) {
      await writeTrained(item, place('ours', index, 'native'));
      const common = { host, modelDir: modelOf(item), adapterDir: place('ours', index, 'native') };
      await exportModel({ ...common, outputDir: place('ours', index, 'exported'), format: 'peft' });
      await mergeAdapter({ ...common, outputDir: place('ours', index, 'merged'), dtype: 'f32' });
    }
    const tasks = FROM_US.flatMap((item, index) => [
      adapterLogits(item, place('ours', index, 'exported'), place('ours', index, 'exported.safetensors')),
      modelLogits(place('ours', index, 'merged'), place('ours', index, 'merged.safetensors')),
    ]);
    const results = await runReference(folder, tasks);
    const differences = FROM_US.map(({ name }, index) => {
      const exported = readOnlyTensor(place('ours', index, 'exported.safetensors')).data;
      const merged = readOnlyTensor(place('ours', index, 'merged.safetensors')).data;
      const change = results[2 * index]?.change_from_base;
      return { name, change, difference: largestDifference(exported, merged) };
    });
    const wrong = ({ change, difference }: { change: unknown; difference: number }) =>
      !(difference <= TOLERANCE) || !(Number(change) > LEAST_CHANGE);
    expect(differences.filter(wrong)).toEqual([]);
  },
  REFERENCE_TIMEOUT_MS,
);

/** A native adapter whose tensors all moved away from their start, as training moves them. */
async function writeTrained(item: Case, dir: string): Promise<void> {
  const folder = await openModelFolder(modelOf(item));
  const setup = await attach({ dir: modelOf(item), model: makeModel(folder.config, null, folder), folder }, item.peft);
  await writeFiles(await setup.files(await trainedOf(setup)), dir);
  await folder.close();
}
