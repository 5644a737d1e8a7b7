/**
 * @file Twenty-step loss traces of T5 against transformers, PEFT and bitsandbytes: whole models, adapters, quantized storages.
 *
 * 1e-4 in f32; 2e-2 over NF4 and INT8, as for Llama (quantized-trace.test.ts). Both sides keep `wo` from quantization.
 */
import { TRACE_VOCAB, type TraceCase } from './support/trace.ts';
import { testTraces } from './support/trace-suite.ts';

const T5 = {
  vocab_size: TRACE_VOCAB,
  d_model: 64,
  d_kv: 16,
  d_ff: 128,
  num_layers: 2,
  num_heads: 4,
  dropout_rate: 0,
  pad_token_id: 0,
  decoder_start_token_id: 0,
};
const FIRST = { type: 't5', config: T5, isEncoderDecoder: true };
const GATED = {
  ...FIRST,
  config: { ...T5, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false },
  make: { own_head: true },
};
const ALL_LINEAR = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };
const QUERY_VALUE = { r: 4, lora_alpha: 8, target_modules: ['q', 'v'] };

const CASES: readonly TraceCase[] = [
  { name: 'T5, all weights', family: FIRST, peft: { peft_type: 'NONE' }, training: { learning_rate: 1e-3 } },
  {
    name: 'T5 1.1, DoRA with checkpointing and clipping',
    family: GATED,
    peft: { ...ALL_LINEAR, use_dora: true },
    training: { gradient_checkpointing: true, max_grad_norm: 0.5 },
  },
  { name: 'T5, Quasi-LoRA in f32', family: FIRST, peft: ALL_LINEAR, peftType: 'QLORA' },
  { name: 'T5 1.1, LoRA on NF4', family: GATED, peft: ALL_LINEAR, quantization: 'nf4' },
  { name: 'T5, LoRA on INT8', family: FIRST, peft: QUERY_VALUE, quantization: 'int8' },
  { name: 'T5 1.1, Quasi-LoRA on NF4', family: GATED, peft: QUERY_VALUE, peftType: 'QLORA', quantization: 'nf4' },
];

testTraces('encoder-decoder-trace', CASES);
