/**
 * @file Logits of random Llama models against transformers', from the same folders.
 *
 * Tolerance 1e-4 absolute in f32 with logits of order one to ten (python/models.py): the two libraries add the same products in another
 * order, which moves a logit by some 1e-6; a wrong formula moves it by 1e-2 or more. Files in bf16 and f16 are widened to f32 by
 * both sides, so the same bound holds for them.
 */
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { expectCli } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { randomTokens } from './support/random.ts';
import { largestDifference, readOnlyTensor } from './support/tensors.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const TOLERANCE = 1e-4;
const VOCAB = 160;
const SEQ = 48;

const BASE = {
  vocab_size: VOCAB,
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 128,
  tie_word_embeddings: false,
};

interface LogitsCase {
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly make?: Readonly<Record<string, unknown>>;
}

/** SEQ lies beyond the original length of each scaled case, so the scaling is at work. */
const CASES: readonly LogitsCase[] = [
  { name: 'multi-head attention' },
  {
    name: 'grouped queries, odd sizes',
    config: { num_attention_heads: 6, num_key_value_heads: 2, intermediate_size: 77 },
  },
  { name: 'one key/value head', config: { num_key_value_heads: 1 } },
  { name: 'tied embeddings', config: { tie_word_embeddings: true } },
  { name: 'explicit head_dim', config: { head_dim: 20, num_key_value_heads: 2 } },
  { name: 'attention and mlp biases', config: { attention_bias: true, mlp_bias: true } },
  {
    name: 'other eps, base and activation',
    config: { rms_norm_eps: 1e-3, hidden_act: 'gelu', rope_parameters: { rope_type: 'default', rope_theta: 500.0 } },
  },
  { name: 'linear scaling', config: { rope_parameters: { rope_type: 'linear', rope_theta: 10000.0, factor: 3.0 } } },
  {
    name: 'dynamic scaling beyond the original length',
    config: {
      max_position_embeddings: 16,
      rope_parameters: { rope_type: 'dynamic', rope_theta: 10000.0, factor: 2.0 },
    },
  },
  {
    name: 'llama3 scaling, sharded bf16 files',
    config: { rope_parameters: llama3Scaling(), num_key_value_heads: 2 },
    make: { dtype: 'bf16', max_shard_size: '20KB' },
  },
  {
    name: 'llama3 scaling written as transformers 4 does, f16 file',
    config: { rope_parameters: llama3Scaling(), tie_word_embeddings: true },
    make: { dtype: 'f16', legacy_config: true },
  },
];

function llama3Scaling(): Record<string, unknown> {
  return {
    rope_type: 'llama3',
    rope_theta: 10000.0,
    factor: 8.0,
    low_freq_factor: 1.0,
    high_freq_factor: 4.0,
    original_max_position_embeddings: 32,
  };
}

const folder = makeWorkFolder('logits');
const place = (index: number, name: string) => path.join(folder, `${index}-${name}`);

beforeAll(async () => {
  const tasks = CASES.flatMap(({ config, make }, index) => [
    {
      op: 'make_model',
      folder: place(index, 'model'),
      model_type: 'llama',
      config: { ...BASE, ...config },
      seed: index,
      ...make,
    },
    {
      op: 'model_logits',
      folder: place(index, 'model'),
      tokens: randomTokens(index, SEQ, VOCAB),
      out: place(index, 'reference.safetensors'),
    },
  ]);
  await runReference(folder, tasks);
}, REFERENCE_TIMEOUT_MS);

test.each(CASES.map(({ name }, index) => ({ name, index })))('$name', async ({ index }) => {
  const out = place(index, 'ours.safetensors');
  const tokens = randomTokens(index, SEQ, VOCAB).join(',');
  await expectCli(['logits', '--model', place(index, 'model'), '--tokens', tokens, '--out', out]);
  const ours = readOnlyTensor(out);
  const theirs = readOnlyTensor(place(index, 'reference.safetensors'));
  expect(ours.shape).toEqual(theirs.shape);
  expect(largestDifference(ours.data, theirs.data)).toBeLessThanOrEqual(TOLERANCE);
});
