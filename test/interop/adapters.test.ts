/**
 * @file Adapters and merged models in both directions: PEFT's in ours, ours in PEFT, ours in plain transformers.
 *
 * Tolerance 1e-4 absolute in f32 on logits of order one to ten, as PEFT's own merge tests use: the update is added before or
 * after the product with W, which rounds differently. Every case changes the base's logits by more than 0.1 (checked), so an adapter
 * that is loaded but ignored fails.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { expectCli } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { randomTokens } from './support/random.ts';
import { largestDifference, readOnlyTensor } from './support/tensors.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const TOLERANCE = 1e-4;
const LEAST_CHANGE = 0.1;
const VOCAB = 160;
const TOKENS = randomTokens(5, 40, VOCAB);

const MODEL = {
  vocab_size: VOCAB,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  tie_word_embeddings: false,
  attention_bias: true,
};

const CASES = [
  { name: 'all-linear', peft: { r: 4, lora_alpha: 16, target_modules: 'all-linear' } },
  {
    name: 'two targets, rank-stabilized',
    peft: { r: 9, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'], use_rslora: true },
  },
  { name: 'regular expression', peft: { r: 2, lora_alpha: 8, target_modules: '.*\\.1\\..*(gate|o)_proj' } },
  { name: 'bias lora_only', peft: { r: 4, lora_alpha: 8, target_modules: ['k_proj', 'q_proj'], bias: 'lora_only' } },
  { name: 'bias all', peft: { r: 4, lora_alpha: 8, target_modules: ['o_proj', 'down_proj'], bias: 'all' } },
  { name: 'DoRA', peft: { r: 4, lora_alpha: 8, target_modules: 'all-linear', use_dora: true } },
  {
    name: 'DoRA of the embedding',
    peft: { r: 4, lora_alpha: 8, target_modules: ['embed_tokens', 'q_proj'], use_dora: true },
  },
  {
    name: 'whole modules beside the adapter',
    peft: { r: 4, lora_alpha: 8, target_modules: ['q_proj', 'o_proj'], modules_to_save: ['lm_head', 'norm'] },
  },
  {
    name: 'patterns, one layer, the head adapted',
    peft: {
      r: 4,
      lora_alpha: 8,
      target_modules: ['k_proj', 'up_proj', 'lm_head'],
      layers_to_transform: [1],
      rank_pattern: { k_proj: 2 },
      alpha_pattern: { up_proj: 16 },
    },
  },
  {
    name: 'PiSSA',
    peft: { r: 4, lora_alpha: 8, target_modules: ['q_proj', 'gate_proj', 'down_proj'], init_lora_weights: 'pissa' },
  },
] as const;

const folder = makeWorkFolder('adapters');
const place = (index: number, name: string) => path.join(folder, String(index), name);
const model = path.join(folder, 'model');

async function ourLogits(out: string, where: readonly string[]): Promise<Float32Array> {
  await expectCli(['logits', ...where, '--tokens', TOKENS.join(','), '--out', out]);
  return readOnlyTensor(out).data;
}

beforeAll(async () => {
  for (const index of CASES.keys()) mkdirSync(path.join(folder, String(index)));
  const results = await runReference(folder, [
    { op: 'make_model', folder: model, model_type: 'llama', config: MODEL, seed: 11 },
    ...CASES.flatMap(({ peft }, index) => [
      { op: 'make_adapter', model, folder: place(index, 'peft'), peft },
      {
        op: 'adapter_logits',
        model,
        folder: place(index, 'peft'),
        tokens: TOKENS,
        out: place(index, 'reference.safetensors'),
      },
    ]),
  ]);
  const changes = results.map((result) => result.change_from_base).filter((change) => change !== undefined);
  expect(changes).toHaveLength(CASES.length);
  for (const change of changes) expect(change).toBeGreaterThan(LEAST_CHANGE);
}, REFERENCE_TIMEOUT_MS);

const NAMED = CASES.map(({ name, peft }, index) => ({ name, peft, index }));

test.each(NAMED)('an adapter of PEFT gives our engine the same logits: $name', async ({ index }) => {
  const ours = await ourLogits(place(index, 'ours.safetensors'), ['--model', model, '--adapter', place(index, 'peft')]);
  expect(largestDifference(ours, readOnlyTensor(place(index, 'reference.safetensors')).data)).toBeLessThanOrEqual(
    TOLERANCE,
  );
});

test(
  'merged models give transformers the logits of base + adapter',
  async () => {
    for (const { index } of NAMED) {
      const adapter = place(index, 'peft');
      await expectCli(['merge', '--model', model, '--adapter', adapter, '--output', place(index, 'merged')]);
    }
    await runReference(
      folder,
      NAMED.map(({ index }) => ({
        op: 'model_logits',
        folder: place(index, 'merged'),
        tokens: TOKENS,
        out: place(index, 'merged.safetensors'),
      })),
    );
    const differences = NAMED.map(({ name, index }) => {
      const merged = readOnlyTensor(place(index, 'merged.safetensors')).data;
      return [name, largestDifference(merged, readOnlyTensor(place(index, 'reference.safetensors')).data)] as const;
    });
    expect(differences.filter(([, difference]) => difference > TOLERANCE)).toEqual([]);
  },
  REFERENCE_TIMEOUT_MS,
);

test(
  'adapters trained and exported by us give PEFT the same logits',
  async () => {
    const rows = path.join(folder, 'rows.jsonl');
    const lines = Array.from({ length: 12 }, (_, seed) => JSON.stringify({ input_ids: randomTokens(seed, 20, VOCAB) }));
    writeFileSync(rows, `${lines.join('\n')}\n`);
    for (const { index, peft } of NAMED) await trainAndExport(index, peft, rows);
    const results = await runReference(
      folder,
      NAMED.map(({ index }) => ({
        op: 'adapter_logits',
        model,
        folder: place(index, 'exported'),
        tokens: TOKENS,
        out: place(index, 'exported.safetensors'),
      })),
    );
    for (const { index } of NAMED) {
      expect(results[index]?.change_from_base).toBeGreaterThan(LEAST_CHANGE);
      const ours = readOnlyTensor(place(index, 'native.safetensors')).data;
      expect(largestDifference(ours, readOnlyTensor(place(index, 'exported.safetensors')).data)).toBeLessThanOrEqual(
        TOLERANCE,
      );
    }
  },
  REFERENCE_TIMEOUT_MS,
);

/** Trains with a high rate, keeps our own logits of the native adapter, exports to PEFT's format. */
async function trainAndExport(index: number, peft: Readonly<Record<string, unknown>>, rows: string): Promise<void> {
  const config = place(index, 'config.json');
  const training = {
    per_device_train_batch_size: 4,
    num_train_epochs: 2,
    learning_rate: 0.02,
    lr_scheduler_type: 'constant',
  };
  const data = { train: [rows], eval: null, eval_fraction: 0, format: 'tokens', max_length: 64 };
  writeFileSync(
    config,
    JSON.stringify({ model: { path: model }, data, quantization: { method: 'none' }, peft, training }),
  );
  const run = ['train', '--model', model, '--data', rows, '--output', place(index, 'run'), '--config', config];
  const adapter = String((await expectCli(run)).at(-1)?.adapter_dir);
  await ourLogits(place(index, 'native.safetensors'), ['--model', model, '--adapter', adapter]);
  const exported = place(index, 'exported');
  await expectCli(['export', '--model', model, '--adapter', adapter, '--format', 'peft', '--output', exported]);
}
