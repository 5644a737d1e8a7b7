/**
 * @file Twenty-step loss traces against transformers' Trainer and PEFT: same model, adapter, rows in the same order, same AdamW.
 *
 * f32: 1e-4 absolute per step on losses near 5. Both sides round differently, some 1e-6 at the first step, and AdamW divides small
 * gradients by their own size, which lets that grow over the steps. bf16: 2e-2, since a bf16 product keeps eight bits and the two
 * sides round at different places. Dropout is left out: the two random number generators cannot agree.
 */
import type { TraceCase } from './support/trace.ts';
import { testTraces } from './support/trace-suite.ts';

const ALL_LINEAR = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };
const BIASED_MODEL = { attention_bias: true, mlp_bias: true };

const F32_CASES: readonly TraceCase[] = [
  { name: 'fresh adapter, all-linear, constant rate', peft: ALL_LINEAR, randomB: false },
  {
    name: 'weight decay, clipping, linear schedule with warm-up steps',
    peft: ALL_LINEAR,
    training: { weight_decay: 0.1, max_grad_norm: 0.5, lr_scheduler_type: 'linear', warmup_steps: 5 },
  },
  {
    name: 'accumulation over batches of unequal token counts, cosine with warm-up ratio',
    peft: ALL_LINEAR,
    training: { gradient_accumulation_steps: 3, lr_scheduler_type: 'cosine', warmup_ratio: 0.1 },
  },
  {
    name: 'two epochs that do not divide evenly into batches and accumulated steps',
    peft: ALL_LINEAR,
    training: { gradient_accumulation_steps: 2, num_train_epochs: 2, lr_scheduler_type: 'linear' },
    rowCount: 21,
  },
  {
    name: 'other betas and epsilon, constant_with_warmup',
    peft: ALL_LINEAR,
    training: {
      adam_beta1: 0.8,
      adam_beta2: 0.95,
      adam_epsilon: 1e-6,
      lr_scheduler_type: 'constant_with_warmup',
      warmup_steps: 4,
    },
  },
  {
    name: 'rank-stabilized scaling',
    peft: { ...ALL_LINEAR, use_rslora: true },
    // At the others' rate the factor 2 of alpha / sqrt(r) over alpha / r makes even f32 and f64 of PyTorch part by 8e-5.
    training: { learning_rate: 1e-3 },
  },
  {
    name: 'bias all, decayed without the biases',
    model: BIASED_MODEL,
    peft: { ...ALL_LINEAR, bias: 'all' },
    training: { weight_decay: 0.1 },
  },
  {
    name: 'bias lora_only',
    model: BIASED_MODEL,
    peft: { ...ALL_LINEAR, target_modules: ['q_proj', 'down_proj'], bias: 'lora_only' },
  },
  { name: 'targets by name', peft: { ...ALL_LINEAR, target_modules: ['q_proj', 'v_proj'] } },
  {
    name: 'targets by regular expression',
    peft: { ...ALL_LINEAR, target_modules: '.*layers\\.1\\.(self_attn\\.[kv]|mlp\\.up)_proj' },
  },
  { name: 'tied embeddings', model: { tie_word_embeddings: true }, peft: ALL_LINEAR },
  {
    name: 'full fine-tuning with weight decay',
    peft: { peft_type: 'NONE' },
    training: { learning_rate: 1e-3, weight_decay: 0.1, max_grad_norm: 1 },
  },
  {
    name: 'full fine-tuning with tied embeddings',
    model: { tie_word_embeddings: true },
    peft: { peft_type: 'NONE' },
    training: { learning_rate: 1e-3 },
  },
];

const BF16_CASES: readonly TraceCase[] = [
  { name: 'bf16: all-linear', peft: ALL_LINEAR, quantization: 'bf16' },
  {
    name: 'bf16: rank-stabilized scaling, clipping, cosine',
    peft: { ...ALL_LINEAR, use_rslora: true },
    training: { max_grad_norm: 1, lr_scheduler_type: 'cosine', warmup_steps: 3 },
    quantization: 'bf16',
  },
];

testTraces('trace', [...F32_CASES, ...BF16_CASES]);
