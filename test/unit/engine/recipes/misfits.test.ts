/**
 * @file Folders that are almost a supported model: one message names every difference, of config.json and of the tensors together.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { writeSafetensors } from '../../../../src-main/engine/formats/safetensors.ts';
import { encodeFloats } from '../../../../src-main/engine/formats/tensor-data.ts';
import { makeModel } from '../../../../src-main/engine/models/registry.ts';
import { openModel } from '../../../../src-main/engine/recipes/open-model.ts';
import { failureOf, faultsOf, makeTestFolder, T5_CONFIG } from '../peft/random-model.ts';

const place = await makeTestFolder();

const LLAMA = {
  model_type: 'llama',
  vocab_size: 12,
  hidden_size: 8,
  intermediate_size: 10,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 16,
  tie_word_embeddings: false,
};
const GPT2 = { model_type: 'gpt2', vocab_size: 12, n_embd: 8, n_layer: 1, n_head: 2, n_positions: 16 };

interface OddFolder {
  readonly title: string;
  /** What the tensors are made for. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Laid over it in config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly removed?: RegExp;
  readonly added?: Readonly<Record<string, readonly number[]>>;
  readonly code: string;
  /** Parts of the message. */
  readonly says?: readonly string[];
  /** Field and message of all faults. */
  readonly faults: readonly string[];
}

const BERT = {
  ...{ model_type: 'bert', vocab_size: 12, hidden_size: 8, intermediate_size: 10, num_hidden_layers: 1 },
  ...{ num_attention_heads: 2, max_position_embeddings: 16 },
};
const NORMS = { 'model.layers.0.self_attn.q_norm.weight': [4], 'model.layers.1.self_attn.q_norm.weight': [4] };

const FOLDERS: readonly OddFolder[] = [
  {
    title: 'Llama with another activation, capped logits and a tensor less',
    base: LLAMA,
    config: { hidden_act: 'mish', final_logit_softcapping: 30 },
    removed: /layers\.1\.mlp\.up_proj/,
    code: 'model/bad-config',
    says: ['3 differences in all'],
    faults: [
      'hidden_act "mish" is not known; known are silu, gelu, gelu_new, relu, tanh',
      'final_logit_softcapping is 30, which this architecture does not compute with here',
      'model.layers.1.mlp.up_proj.weight is missing',
    ],
  },
  {
    title: 'Llama with norms that it does not have',
    base: LLAMA,
    added: NORMS,
    code: 'model/does-not-fit',
    says: ['2 differences'],
    faults: Object.keys(NORMS).map((name) => `${name} is not part of this architecture`),
  },
  {
    title: 'Llama with a layer more than config.json says, and a vocabulary of another size',
    base: { ...LLAMA, num_hidden_layers: 1 },
    config: { vocab_size: 13 },
    added: { 'model.layers.1.input_layernorm.weight': [8] },
    code: 'model/does-not-fit',
    faults: [
      'model.embed_tokens.weight has the shape [12, 8], config.json says [13, 8]',
      'lm_head.weight has the shape [12, 8], config.json says [13, 8]',
      'model.layers.1.input_layernorm.weight is not part of this architecture',
    ],
  },
  {
    title: 'a mixture of experts that calls itself Llama',
    base: LLAMA,
    config: { num_local_experts: 4 },
    removed: /\.mlp\./,
    added: { 'model.layers.0.block_sparse_moe.gate.weight': [4, 8] },
    code: 'model/bad-config',
    faults: [
      'num_local_experts is 4, which this architecture does not compute with here',
      ...[0, 1].flatMap((layer) =>
        ['gate', 'up', 'down'].map((name) => `model.layers.${layer}.mlp.${name}_proj.weight is missing`),
      ),
      'model.layers.0.block_sparse_moe.gate.weight is not part of this architecture',
    ],
  },
  {
    title: 'sizes that cannot be read: the tensors are not compared with guesses',
    base: LLAMA,
    config: { hidden_size: 'large', hidden_act: 'mish' },
    code: 'model/bad-config',
    faults: [
      'hidden_size must be a positive whole number, got "large"',
      'hidden_act "mish" is not known; known are silu, gelu, gelu_new, relu, tanh',
    ],
  },
  {
    title: 'GPT-2 as the decoder of another model',
    base: GPT2,
    config: { add_cross_attention: true },
    added: { 'transformer.h.0.crossattention.c_attn.weight': [8, 16] },
    code: 'model/bad-config',
    faults: [
      'add_cross_attention is true: this is the decoder of a model with an encoder',
      'transformer.h.0.crossattention.c_attn.weight is not part of this architecture',
    ],
  },
  {
    title: 'T5 with an unknown MLP, without its positions',
    base: T5_CONFIG,
    config: { feed_forward_proj: 'gated-mish-2', relative_attention_num_buckets: 7 },
    removed: /relative_attention_bias/,
    code: 'model/bad-config',
    faults: [
      'feed_forward_proj "gated-mish-2" is not known; known are relu, gated-gelu, gated-silu and their like',
      'relative_attention_num_buckets must be even and at least 4, got 7',
      'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight is missing',
      'decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight is missing',
    ],
  },
  {
    title: 'an encoder alone that calls itself T5',
    base: T5_CONFIG,
    config: { is_encoder_decoder: false },
    removed: /^decoder\.(block|final)/,
    code: 'model/bad-config',
    says: ['is_encoder_decoder is false'],
    faults: [
      'is_encoder_decoder is false: this is an encoder alone',
      ...makeModel(T5_CONFIG)
        .weights.filter(({ name }) => name.startsWith('decoder.'))
        .map(({ name }) => `${name} is missing`),
    ],
  },
  {
    title: 'an encoder without a head',
    base: BERT,
    removed: /^cls\./,
    code: 'model/no-head',
    says: ['foretells neither words nor classes'],
    faults: [
      ...[
        'transform.dense.weight',
        'transform.dense.bias',
        'transform.LayerNorm.weight',
        'transform.LayerNorm.bias',
        'bias',
      ],
    ].map((name) => `cls.predictions.${name} is missing`),
  },
  {
    title: 'an encoder without a head and without a norm',
    base: BERT,
    removed: /^cls\.predictions\.bias|embeddings\.LayerNorm\.bias/,
    code: 'model/does-not-fit',
    faults: ['bert.embeddings.LayerNorm.bias is missing', 'cls.predictions.bias is missing'],
  },
  {
    title: 'a new name over Llama with sinks',
    base: LLAMA,
    config: { model_type: 'llama_plus', attention_multiplier: 0.5 },
    added: { 'model.layers.0.self_attn.sinks': [2], 'model.layers.1.self_attn.sinks': [2] },
    code: 'model/unknown-type',
    says: ['the nearest architecture is llama, with other tensors'],
    faults: [
      'model_type "llama_plus" is not supported',
      'attention_multiplier is 0.5, which this architecture does not compute with here',
      'model.layers.*.self_attn.sinks is not part of llama',
    ],
  },
  {
    title: 'a name and tensors that nothing here is like',
    base: LLAMA,
    config: { model_type: 'whale' },
    removed: /./,
    added: { 'ocean.0.wave.weight': [4, 4] },
    code: 'model/unknown-type',
    faults: ['model_type "whale" is not supported'],
  },
  {
    title: 'weights quantized by a method that is not read',
    base: LLAMA,
    config: { quantization_config: { quant_method: 'gptq', bits: 4 } },
    removed: /q_proj/,
    code: 'model/unsupported-quantization',
    faults: ['quantization_config is quantized by "gptq"; only bitsandbytes nf4 and 8-bit weights can be read'],
  },
  {
    title: 'the same with a setting that is not known either',
    base: LLAMA,
    config: { hidden_act: 'mish', quantization_config: { quant_method: 'awq' } },
    code: 'model/bad-config',
    faults: [
      'hidden_act "mish" is not known; known are silu, gelu, gelu_new, relu, tanh',
      'quantization_config is quantized by "awq"; only bitsandbytes nf4 and 8-bit weights can be read',
    ],
  },
];

async function writeOdd(dir: string, { base, config = {}, removed, added = {} }: OddFolder): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'config.json'), JSON.stringify({ ...base, ...config }));
  const kept = makeModel(base).weights.filter(({ name }) => !removed?.test(name));
  const shapes = [
    ...kept.map(({ name, shape, transposed }) => ({ name, shape: transposed ? [...shape].reverse() : shape })),
    ...Object.entries(added).map(([name, shape]) => ({ name, shape })),
  ];
  const tensors = shapes.map(({ name, shape }) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return { name, shape, dtype: 'F32' as const, data: encodeFloats(new Float32Array(size), 'F32') };
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
  return dir;
}

it.each(FOLDERS)('$title', async (folder) => {
  const dir = await writeOdd(place(folder.title), folder);
  const error = await failureOf(openModel(dir));
  expect(error.code).toBe(folder.code);
  expect([...faultsOf(error)].sort()).toEqual([...folder.faults].sort());
  for (const part of folder.says ?? []) expect(error.message).toContain(part);
  expect(error.hint).not.toBe('');
});

it('settings that say what changes nothing are no fault, nor are heads and parts beside the blocks', async () => {
  const config = {
    num_local_experts: null,
    final_logit_softcapping: null,
    logit_scale: 1,
    clip_qkv: null,
    qk_norm: false,
  };
  const added = { 'model.layers.0.self_attn.rotary_emb.inv_freq': [2], 'vision.patch.weight': [2, 2] };
  const dir = await writeOdd(place('harmless'), { title: '', base: LLAMA, config, added, code: '', faults: [] });
  const { folder } = await openModel(dir);
  await folder.close();
});
