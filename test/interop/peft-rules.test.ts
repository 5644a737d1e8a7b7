/**
 * @file Which tensors are trained, and which of them decay: our rules beside PEFT's and the Trainer's own, setting by setting.
 */
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openModelFolder } from '../../src-main/engine/formats/model-folder.ts';
import { makeModel } from '../../src-main/engine/models/registry.ts';
import { attachPeft } from '../../src-main/engine/peft/attach.ts';
import { PEFT_DEFAULTS } from '../../src-main/engine/peft/defaults.ts';
import type { PeftConfig } from '../../src-shared/schema/run-config.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const SHAPE = {
  vocab_size: 40,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 12,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 32,
};
const MODELS = {
  plain: { ...SHAPE, tie_word_embeddings: false },
  biased: { ...SHAPE, tie_word_embeddings: false, attention_bias: true, mlp_bias: true },
  tied: { ...SHAPE, tie_word_embeddings: true },
};

interface Case {
  readonly model?: keyof typeof MODELS;
  readonly peft: Partial<PeftConfig> & { readonly ensure_weight_tying?: boolean };
}

const CASES: readonly Case[] = [
  { peft: { target_modules: 'all-linear' } },
  { model: 'tied', peft: { target_modules: 'all-linear' } },
  { peft: { target_modules: ['q_proj', 'v_proj'] } },
  { peft: { target_modules: ['self_attn.q_proj', 'model.layers.3.mlp.up_proj'] } },
  { peft: { target_modules: ['lm_head', 'o_proj'] } },
  { peft: { target_modules: ['1.self_attn.q_proj'] } },
  { peft: { target_modules: '.*\\.(gate|up)_proj' } },
  { peft: { target_modules: 'model\\.layers\\.(1|11)\\.self_attn\\.[qk]_proj' } },
  { peft: { target_modules: '.*\\.1\\..*' + '_proj' } },
  { peft: { target_modules: 'all-linear', exclude_modules: ['down_proj', '0.self_attn.q_proj'] } },
  { peft: { target_modules: ['q_proj', 'up_proj'], exclude_modules: '.*\\.1\\d\\..*' } },
  { peft: { target_modules: ['q_proj', 'up_proj'], layers_to_transform: [0, 1, 11] } },
  { peft: { target_modules: ['q_proj', 'lm_head'], layers_to_transform: [1] } },
  { peft: { target_modules: ['q_proj', 'k_proj'], rank_pattern: { q_proj: 2, '1.self_attn.k_proj': 3 } } },
  { peft: { target_modules: ['q_proj'], rank_pattern: { '^model.layers.1.self_attn.q_proj': 2, '.*1\\..*': 4 } } },
  { peft: { target_modules: ['q_proj', 'v_proj'], use_dora: true } },
  { peft: { target_modules: ['embed_tokens', 'v_proj'], use_dora: true } },
  { model: 'biased', peft: { target_modules: ['q_proj', 'up_proj'], bias: 'lora_only' } },
  { model: 'biased', peft: { target_modules: ['q_proj', 'up_proj'], bias: 'all' } },
  { model: 'biased', peft: { target_modules: 'all-linear', modules_to_save: ['o_proj'] } },
  { peft: { target_modules: 'all-linear', modules_to_save: ['lm_head', 'embed_tokens'] } },
  { peft: { target_modules: ['q_proj'], modules_to_save: ['norm'] } },
  { peft: { target_modules: 'all-linear', modules_to_save: ['layers.0.mlp', 'model.norm'] } },
  { model: 'tied', peft: { target_modules: ['q_proj'], modules_to_save: ['embed_tokens'], ensure_weight_tying: true } },
];

const folder = makeWorkFolder('peft-rules');
let references: Record<string, unknown>[] = [];

beforeAll(async () => {
  const models = Object.entries(MODELS).map(([name, config]) => ({
    op: 'make_model',
    folder: path.join(folder, name),
    model_type: 'llama',
    config,
  }));
  const tasks = CASES.map(({ model = 'plain', peft }) => ({
    op: 'trained_tensors',
    model: path.join(folder, model),
    peft,
  }));
  references = (await runReference(folder, [...models, ...tasks])).slice(models.length);
}, REFERENCE_TIMEOUT_MS);

const NAMED = CASES.map(({ model = 'plain', peft }, index) => ({ name: `${model} ${JSON.stringify(peft)}`, index }));

test.each(NAMED)('$name', async ({ index }) => {
  const { model: name = 'plain', peft } = CASES[index]!;
  const { ensure_weight_tying: _tying, ...settings } = peft;
  const opened = await openModelFolder(path.join(folder, name));
  const { trainables } = await attachPeft({
    model: makeModel(opened.config, null, opened),
    folder: opened,
    peft: { ...PEFT_DEFAULTS, ...settings },
    loraPlus: null,
    seed: 1,
  });
  await opened.close();
  const theirs = references[index]!.tensors as [string, number[], boolean][];
  const ours = trainables.map(({ name: tensor, shape, decay }) => [tensor, [...shape], decay]);
  expect(sortByName(ours)).toEqual(sortByName(theirs));
});

function sortByName<T extends readonly unknown[]>(tensors: readonly T[]): T[] {
  return [...tensors].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}
