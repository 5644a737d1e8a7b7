/**
 * @file Random models of the families that share Llama's block; between them each switch that their configs have.
 */
import { type FamilyCase, LLAMA_LIKE, SHARDED } from './family-case.ts';

export const LLAMA_LIKE_CASES: readonly FamilyCase[] = [
  { type: 'llama', name: 'biases', config: { ...LLAMA_LIKE, attention_bias: true, mlp_bias: true } },
  {
    type: 'llama',
    name: 'tied, odd heads, sharded bf16',
    config: { ...LLAMA_LIKE, num_attention_heads: 3, num_key_value_heads: 1, tie_word_embeddings: true },
    make: SHARDED,
  },
  { type: 'mistral', name: 'window', config: { ...LLAMA_LIKE, sliding_window: 9 } },
  {
    type: 'mistral',
    name: 'no window, own head size, tied, sharded bf16',
    config: { ...LLAMA_LIKE, sliding_window: null, head_dim: 20, num_key_value_heads: 1, tie_word_embeddings: true },
    make: SHARDED,
  },
  {
    type: 'qwen2',
    name: 'windows above, yarn',
    config: {
      ...LLAMA_LIKE,
      num_hidden_layers: 3,
      use_sliding_window: true,
      sliding_window: 7,
      max_window_layers: 1,
      rope_parameters: {
        rope_type: 'yarn',
        rope_theta: 10000.0,
        factor: 4.0,
        original_max_position_embeddings: 32,
      },
    },
  },
  {
    type: 'qwen2',
    name: 'tied, odd heads, sharded bf16, as transformers 4 writes it',
    config: { ...LLAMA_LIKE, num_attention_heads: 3, num_key_value_heads: 1, tie_word_embeddings: true },
    make: { ...SHARDED, legacy_config: true },
  },
  {
    type: 'qwen3',
    name: 'own head size, biases',
    config: {
      ...LLAMA_LIKE,
      head_dim: 20,
      attention_bias: true,
      use_sliding_window: true,
      max_window_layers: 1,
      sliding_window: 8,
    },
  },
  {
    type: 'qwen3',
    name: 'tied, odd heads, sharded bf16',
    config: {
      ...LLAMA_LIKE,
      num_attention_heads: 5,
      num_key_value_heads: 1,
      head_dim: 10,
      tie_word_embeddings: true,
      hidden_size: 45,
    },
    make: SHARDED,
  },
  {
    type: 'smollm3',
    name: 'layers without positions, windows, biases',
    config: {
      ...LLAMA_LIKE,
      num_hidden_layers: 3,
      no_rope_layer_interval: 2,
      use_sliding_window: true,
      sliding_window: 6,
      attention_bias: true,
      mlp_bias: true,
    },
  },
  {
    type: 'smollm3',
    name: 'tied, odd heads, listed layers, sharded bf16',
    config: {
      ...LLAMA_LIKE,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      tie_word_embeddings: true,
      no_rope_layers: [0, 1],
    },
    make: SHARDED,
  },
  { type: 'olmo2', name: 'biases', config: { ...LLAMA_LIKE, attention_bias: true } },
  {
    type: 'olmo2',
    name: 'tied, odd heads, sharded bf16',
    config: { ...LLAMA_LIKE, num_attention_heads: 3, num_key_value_heads: 1, tie_word_embeddings: true },
    make: SHARDED,
  },
  {
    type: 'gemma2',
    name: 'tied, odd heads',
    config: {
      ...LLAMA_LIKE,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      head_dim: 14,
      tie_word_embeddings: true,
      sliding_window: 7,
      query_pre_attn_scalar: 20,
      attn_logit_softcapping: 4.5,
      final_logit_softcapping: 5.5,
    },
  },
  {
    type: 'gemma2',
    name: 'biases, no caps, own head, sharded bf16',
    config: {
      ...LLAMA_LIKE,
      head_dim: 10,
      attention_bias: true,
      attn_logit_softcapping: null,
      final_logit_softcapping: null,
      layer_types: ['full_attention', 'sliding_attention'],
      sliding_window: 5,
    },
    make: SHARDED,
  },
  {
    type: 'gemma3_text',
    name: 'tied, scaled positions',
    config: {
      ...LLAMA_LIKE,
      num_hidden_layers: 3,
      head_dim: 14,
      tie_word_embeddings: true,
      sliding_window: 7,
      layer_types: ['sliding_attention', 'sliding_attention', 'full_attention'],
      rope_parameters: {
        full_attention: { rope_type: 'linear', factor: 8.0, rope_theta: 1000000.0 },
        sliding_attention: { rope_type: 'default', rope_theta: 10000.0 },
      },
      final_logit_softcapping: 6.5,
    },
  },
  {
    type: 'gemma3_text',
    name: 'odd heads, biases, own head, as transformers 4 writes it',
    config: {
      ...LLAMA_LIKE,
      num_hidden_layers: 3,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      attention_bias: true,
      sliding_window: 6,
    },
    make: SHARDED,
    edits: [
      {
        op: 'edit_config',
        removed: ['rope_parameters', 'layer_types'],
        changes: {
          rope_theta: 50000.0,
          rope_local_base_freq: 5000.0,
          rope_scaling: { rope_type: 'linear', factor: 2.0 },
          sliding_window_pattern: 2,
        },
      },
    ],
  },
];
