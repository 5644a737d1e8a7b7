/**
 * @file Twenty-step loss traces of T5 against transformers, PEFT and bitsandbytes: the whole model, DoRA and Quasi-LoRA in f32 (1e-4), and
 * INT8 (2e-2, as for Llama in quantized-trace.test.ts; both sides keep `wo` from quantization). T5 1.1 has its five steps of LoRA in
 * families.test.ts.
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
  { name: 'T5, Quasi-LoRA in f32', family: FIRST, peft: ALL_LINEAR, peftType: 'QLORA' },
  { name: 'T5, LoRA on INT8', family: FIRST, peft: QUERY_VALUE, quantization: 'int8' },
];

testTraces('encoder-decoder-trace', CASES);
