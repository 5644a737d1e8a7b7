/**
 * @file Random models of the families with blocks of their own; between them each switch that their configs have.
 */
import { COMMON, type FamilyCase, LLAMA_LIKE, SHARDED } from './family-case.ts';

const GPT2 = {
  ...COMMON,
  n_embd: 48,
  n_layer: 2,
  n_head: 6,
  n_positions: 128,
  resid_pdrop: 0,
  embd_pdrop: 0,
  attn_pdrop: 0,
};
const NEOX = {
  ...COMMON,
  hidden_size: 48,
  intermediate_size: 77,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 128,
};
const FALCON = {
  ...COMMON,
  hidden_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 6,
  max_position_embeddings: 128,
};
const LONG_ROPE = {
  rope_type: 'longrope',
  rope_theta: 10000.0,
  short_factor: [1, 1.1, 1.2, 1.5],
  long_factor: [1.3, 2.5, 4.5, 9.5],
};

export const OWN_BLOCK_CASES: readonly FamilyCase[] = [
  {
    type: 'starcoder2',
    name: 'biases, tied, window',
    config: { ...LLAMA_LIKE, sliding_window: 9, tie_word_embeddings: true },
  },
  {
    type: 'starcoder2',
    name: 'no biases, odd heads, sharded bf16',
    config: { ...LLAMA_LIKE, num_attention_heads: 3, num_key_value_heads: 1, use_bias: false },
    make: SHARDED,
  },
  {
    type: 'phi3',
    name: 'two sets of rotary factors, window',
    config: {
      ...LLAMA_LIKE,
      sliding_window: 30,
      original_max_position_embeddings: 30,
      rope_parameters: LONG_ROPE,
    },
  },
  {
    type: 'phi3',
    name: 'part of each head rotated, tied, odd heads, sharded bf16',
    config: {
      ...LLAMA_LIKE,
      hidden_size: 60,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      tie_word_embeddings: true,
      rope_parameters: { rope_type: 'default', rope_theta: 10000.0, partial_rotary_factor: 0.5 },
    },
    make: SHARDED,
  },
  {
    type: 'phi3',
    name: 'rotary factors as transformers 4 writes them',
    config: { ...LLAMA_LIKE, original_max_position_embeddings: 40, rope_parameters: LONG_ROPE },
    edits: [
      {
        op: 'edit_config',
        removed: ['rope_parameters'],
        changes: {
          rope_theta: 10000.0,
          rope_scaling: { type: 'longrope', short_factor: LONG_ROPE.short_factor, long_factor: LONG_ROPE.long_factor },
        },
      },
    ],
  },
  { type: 'phi', name: 'norms on queries and keys', config: { ...LLAMA_LIKE, qk_layernorm: true } },
  {
    type: 'phi',
    name: 'odd heads, a third of each head rotated, sharded bf16',
    config: {
      ...LLAMA_LIKE,
      num_attention_heads: 3,
      num_key_value_heads: 3,
      rope_parameters: { rope_type: 'default', rope_theta: 10000.0, partial_rotary_factor: 0.4 },
    },
    make: SHARDED,
  },
  { type: 'gpt2', name: 'as it is', config: GPT2 },
  {
    type: 'gpt2',
    name: 'untied, odd heads, scores by layer, sharded bf16',
    config: {
      ...GPT2,
      n_head: 3,
      n_inner: 77,
      tie_word_embeddings: false,
      scale_attn_by_inverse_layer_idx: true,
      activation_function: 'gelu',
    },
    make: SHARDED,
  },
  {
    type: 'gpt2',
    name: 'saved without its head, with old buffers',
    config: { ...GPT2, n_head: 4, scale_attn_weights: false },
    edits: [
      {
        op: 'edit_tensors',
        pattern: '^transformer\\.',
        replacement: '',
        buffers: ['h.0.attn.bias', 'h.1.attn.bias', 'h.0.attn.masked_bias'],
      },
    ],
    targets: ['c_attn', 'mlp.c_proj'],
  },
  { type: 'gpt_neox', name: 'side by side', config: { ...NEOX, rope_parameters: rotated(0.5) } },
  {
    type: 'gpt_neox',
    name: 'one after the other, tied, no attention biases, sharded bf16',
    config: {
      ...NEOX,
      use_parallel_residual: false,
      attention_bias: false,
      tie_word_embeddings: true,
      rope_parameters: rotated(1),
    },
    make: SHARDED,
  },
  {
    type: 'gpt_neox',
    name: 'as transformers 4 writes it',
    config: { ...NEOX, num_attention_heads: 2, rope_parameters: rotated(0.25) },
    edits: [
      {
        op: 'edit_config',
        removed: ['rope_parameters'],
        changes: { rotary_pct: 0.25, rotary_emb_base: 20000.0, rope_scaling: null },
      },
      {
        op: 'edit_tensors',
        pattern: '^lm_head',
        replacement: 'embed_out',
        buffers: ['gpt_neox.layers.0.attention.bias', 'gpt_neox.layers.0.attention.masked_bias'],
      },
    ],
  },
  { type: 'falcon', name: '7B: one key/value head, side by side', config: { ...FALCON, num_attention_heads: 3 } },
  {
    type: 'falcon',
    name: '40B: new architecture, untied, biases, sharded bf16',
    config: { ...FALCON, new_decoder_architecture: true, num_kv_heads: 2, bias: true, tie_word_embeddings: false },
    make: SHARDED,
  },
  {
    type: 'falcon',
    name: '11B: new architecture over one norm',
    config: {
      ...FALCON,
      new_decoder_architecture: true,
      num_kv_heads: 3,
      num_ln_in_parallel_attn: 1,
      ffn_hidden_size: 77,
    },
  },
  {
    type: 'falcon',
    name: 'RefinedWeb: ALiBi, all heads, one after the other',
    config: { ...FALCON, alibi: true, multi_query: false, parallel_attn: false, bias: true },
  },
  {
    type: 'falcon',
    name: 'ALiBi with a number of heads that is no power of two, one key/value head',
    config: { ...FALCON, num_attention_heads: 3, alibi: true },
  },
];

function rotated(part: number): Readonly<Record<string, unknown>> {
  return { rope_type: 'default', rope_theta: 10000.0, partial_rotary_factor: part };
}
