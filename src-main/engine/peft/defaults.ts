/**
 * @file What an adapter is where nothing is said (DESIGN of the run configuration: LoRA of rank 8 on every linear).
 */
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';

export const PEFT_DEFAULTS: PeftConfig = {
  peft_type: 'LORA',
  r: 8,
  lora_alpha: 32,
  lora_dropout: 0,
  target_modules: 'all-linear',
  bias: 'none',
  use_rslora: false,
  use_dora: false,
  modules_to_save: [],
  rank_pattern: {},
  alpha_pattern: {},
  layers_to_transform: null,
  exclude_modules: null,
  init_lora_weights: true,
  trainable_modules: null,
  scaling_vector_lr_ratio: 1,
  adapter_path: null,
};
