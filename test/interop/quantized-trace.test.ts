/**
 * @file Twenty-step loss traces over quantized weights (QLoRA) against transformers, PEFT and bitsandbytes, and of Quasi-LoRA against its
 * formula in PyTorch.
 *
 * Over NF4 and INT8 2e-2: both sides compute in bf16 and round at different places; bitsandbytes' 8-bit product rounds the activations to 8
 * bits too, which ours does not. Quasi-LoRA over f32 1e-4, as LoRA.
 */
import type { TraceCase } from './support/trace.ts';
import { testTraces } from './support/trace-suite.ts';

const ALL_LINEAR = { r: 4, lora_alpha: 8, target_modules: 'all-linear' };

const CASES: readonly TraceCase[] = [
  { name: 'LoRA on NF4', peft: ALL_LINEAR, quantization: 'nf4' },
  {
    name: 'LoRA on NF4, fresh adapter, accumulation, clipping, cosine',
    peft: ALL_LINEAR,
    training: { gradient_accumulation_steps: 2, max_grad_norm: 0.5, lr_scheduler_type: 'cosine' },
    quantization: 'nf4',
    randomB: false,
  },
  { name: 'rank-stabilized LoRA on INT8', peft: { ...ALL_LINEAR, use_rslora: true }, quantization: 'int8' },
  { name: 'LoRA on INT8', peft: ALL_LINEAR, quantization: 'int8' },
  { name: 'DoRA on NF4', peft: { ...ALL_LINEAR, use_dora: true }, quantization: 'nf4' },
  { name: 'Quasi-LoRA in f32', peft: ALL_LINEAR, peftType: 'QLORA' },
  {
    name: 'Quasi-LoRA in f32, fresh, rank-stabilized, decayed and clipped',
    peft: { ...ALL_LINEAR, use_rslora: true },
    peftType: 'QLORA',
    training: {
      learning_rate: 1e-3,
      weight_decay: 0.1,
      max_grad_norm: 0.5,
      lr_scheduler_type: 'linear',
      warmup_steps: 4,
    },
    randomB: false,
  },
  {
    name: 'Quasi-LoRA in f32, s at a rate of its own, with checkpointing',
    peft: ALL_LINEAR,
    peftType: 'QLORA',
    scalingVectorLrRatio: 5,
    training: { learning_rate: 2e-3, gradient_checkpointing: true },
  },
  { name: 'Quasi-LoRA in bf16', peft: ALL_LINEAR, peftType: 'QLORA', quantization: 'bf16' },
  {
    name: 'Quasi-LoRA on NF4 with checkpointing',
    peft: ALL_LINEAR,
    peftType: 'QLORA',
    quantization: 'nf4',
    scalingVectorLrRatio: 3,
    training: { gradient_checkpointing: true },
  },
  {
    name: 'LoRA+ on NF4 with checkpointing',
    peft: ALL_LINEAR,
    quantization: 'nf4',
    training: { loraplus_lr_ratio: 4, learning_rate: 2e-3, gradient_checkpointing: true },
  },
  {
    // PEFT itself has no DoRA over bitsandbytes' 8-bit weights on a processor.
    name: 'DoRA on NF4 with checkpointing, rank-stabilized',
    peft: { ...ALL_LINEAR, use_dora: true, use_rslora: true },
    quantization: 'nf4',
    training: { gradient_checkpointing: true },
  },
  { name: 'Quasi-LoRA on NF4', peft: ALL_LINEAR, peftType: 'QLORA', quantization: 'nf4' },
  { name: 'Quasi-LoRA on INT8', peft: ALL_LINEAR, peftType: 'QLORA', quantization: 'int8' },
];

testTraces('quantized-trace', CASES);
