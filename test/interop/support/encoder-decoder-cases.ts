/**
 * @file Random encoder-decoders: heads that do not make up the width, stacks of two heights, and rows longer than every bucket of positions.
 */
import { COMMON, type FamilyCase, SHARDED } from './family-case.ts';

const T5 = {
  ...COMMON,
  d_model: 36,
  d_kv: 7,
  d_ff: 53,
  num_layers: 2,
  num_decoder_layers: 3,
  num_heads: 5,
  relative_attention_num_buckets: 12,
  relative_attention_max_distance: 30,
  dropout_rate: 0,
  pad_token_id: 0,
  decoder_start_token_id: 0,
};
const GATED = { feed_forward_proj: 'gated-gelu', tie_word_embeddings: false };
const OWN_HEAD = { own_head: true };

const CASES: readonly Omit<FamilyCase, 'isEncoderDecoder'>[] = [
  { type: 't5', name: 'first version, odd sizes', config: T5 },
  {
    type: 't5',
    name: 'first version, sharded bf16, one head, even stacks',
    config: { ...T5, num_heads: 1, d_kv: 24, num_decoder_layers: 2, relative_attention_num_buckets: 32 },
    make: SHARDED,
  },
  { type: 't5', name: '1.1 with its own head', config: { ...T5, ...GATED }, make: OWN_HEAD },
  {
    type: 't5',
    name: '1.1, sharded bf16, as transformers 4 wrote its config',
    config: { ...T5, ...GATED, d_kv: 12, num_heads: 3, layer_norm_epsilon: 1e-5, relative_attention_max_distance: 64 },
    make: { ...OWN_HEAD, ...SHARDED },
    edits: [{ op: 'edit_config', changes: { tie_word_embeddings: false }, removed: ['scale_decoder_outputs'] }],
    targets: ['q', 'v'],
  },
  {
    type: 't5',
    name: '1.1 without a head of its own, another activation, a start token of its own',
    config: { ...T5, ...GATED, feed_forward_proj: 'gated-silu', decoder_start_token_id: 3, num_decoder_layers: 1 },
    // The table is never run under this name, so PEFT's adapter has no effect there.
    targets: ['k', 'wi_0', 'wo', 'shared'],
  },
];

export const ENCODER_DECODER_CASES: readonly FamilyCase[] = CASES.map((one) => ({ ...one, isEncoderDecoder: true }));
