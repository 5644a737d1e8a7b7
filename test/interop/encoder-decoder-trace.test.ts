/**
 * @file Twenty-step loss traces of T5 against transformers, PEFT and bitsandbytes: version 1.0 whole, with DoRA and Quasi-LoRA in f32
 * (1e-4) and on INT8, version 1.1 with DoRA and with both kinds of LoRA on NF4 (2e-2, as for Llama in quantized-trace.test.ts, measured 1e-2;
 * both sides keep `wo` from quantization).
 *
 * The queries are as small as T5's own start has them. With four times these (as all other random models have them) an element whose true
 * gradient was 1.2e-7, less than f32 can tell, sent the DoRA traces of 1.1 apart: the first step of AdamW made a whole step out of it, PEFT's f32
 * weight 8e-4 from its f64 one, ours 9e-3, and every other element of 108 tensors within 4e-5.
 * On NF4 bitsandbytes in bf16 was then 0.14 from its own weights in exact products, ours 0.07.
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
const FIRST = { type: 't5', config: T5, make: { scaled_query: true }, isEncoderDecoder: true };
const GATED = {
  ...FIRST,
  config: { ...T5, feed_forward_proj: 'gated-gelu', tie_word_embeddings: false },
  make: { own_head: true, scaled_query: true },
};
const ALL_LINEAR = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };
const QUERY_VALUE = { r: 4, lora_alpha: 8, target_modules: ['q', 'v'] };

const CASES: readonly TraceCase[] = [
  { name: 'T5, all weights', family: FIRST, peft: { peft_type: 'NONE' }, training: { learning_rate: 1e-3 } },
  {
    name: 'T5, DoRA with checkpointing',
    family: FIRST,
    peft: { ...ALL_LINEAR, use_dora: true },
    training: { gradient_checkpointing: true },
  },
  {
    name: 'T5 1.1, DoRA with checkpointing and clipping',
    family: GATED,
    peft: { ...ALL_LINEAR, use_dora: true },
    training: { gradient_checkpointing: true, max_grad_norm: 0.5 },
  },
  { name: 'T5, Quasi-LoRA in f32', family: FIRST, peft: ALL_LINEAR, peftType: 'QLORA' },
  { name: 'T5, LoRA on INT8', family: FIRST, peft: QUERY_VALUE, quantization: 'int8' },
  { name: 'T5 1.1, LoRA on NF4', family: GATED, peft: ALL_LINEAR, quantization: 'nf4' },
  { name: 'T5 1.1, Quasi-LoRA on NF4', family: GATED, peft: QUERY_VALUE, peftType: 'QLORA', quantization: 'nf4' },
];

testTraces('encoder-decoder-trace', CASES);
