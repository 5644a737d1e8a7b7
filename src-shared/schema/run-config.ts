/**
 * @file The run configuration: one JSON file, one schema, Hugging Face names (DESIGN.md 6).
 *
 * `parseRunConfig` checks what a person wrote (everything but model.path and data.train may be left out) and reports all
 * faults at once. A `RunConfig` is partial; the engine's `resolveRunConfig` fills each gap from model, data and machine and gives a
 * `ResolvedRunConfig`, which is what is stored with the run.
 */
import { z } from 'zod';
import { AppError, type Fault } from '../domain/app-error.ts';

const positiveInt = z.int().positive();
const nonNegativeInt = z.int().nonnegative();
const fraction = z.number().min(0).max(1);
const paths = z.union([
  z
    .string()
    .min(1)
    .transform((path) => [path]),
  z.array(z.string().min(1)).min(1),
]);

export const LR_SCHEDULERS = [
  'constant',
  'constant_with_warmup',
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
  'inverse_sqrt',
] as const;
export const OPTIMIZERS = ['adamw', 'adam', 'sgd', 'lion', 'adafactor'] as const;
export const QUANTIZATION_METHODS = ['none', 'bf16', 'int8', 'nf4'] as const;
export const DATA_FORMATS = [
  'auto',
  'messages',
  'sharegpt',
  'alpaca',
  'prompt_completion',
  'text',
  'classification',
  'tokens',
] as const;
export const PROBLEM_TYPES = ['single_label_classification', 'multi_label_classification', 'regression'] as const;
export const TASK_TYPES = ['CAUSAL_LM', 'SEQ_CLS', 'SEQ_2_SEQ_LM'] as const;

export const modelSchema = z.strictObject({ path: z.string().min(1) });

export const dataSchema = z.strictObject({
  train: paths,
  eval: paths.nullable(),
  /** Share of the training rows held out when `eval` is null; 0 = no evaluation. */
  eval_fraction: z.number().min(0).max(0.9),
  format: z.enum(DATA_FORMATS),
  /** Our field name -> the file's column name, for instance {"prompt": "question"}. */
  columns: z.record(z.string(), z.string()),
  /** Jinja chat template that replaces the model's own. */
  template: z.string().nullable(),
  max_length: positiveInt,
  packing: z.boolean(),
  shuffle: z.boolean(),
  completion_only_loss: z.boolean(),
});

export const quantizationSchema = z.strictObject({
  method: z.enum(QUANTIZATION_METHODS),
  double_quant: z.boolean(),
});

export const peftSchema = z.strictObject({
  peft_type: z.enum(['LORA', 'QLORA', 'NONE']),
  r: positiveInt,
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1),
  /** `all-linear`, a list of module names, or a regular expression over full module paths. */
  target_modules: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  bias: z.union([z.enum(['none', 'all', 'lora_only']), z.array(z.string().min(1)).min(1)]),
  use_rslora: z.boolean(),
  use_dora: z.boolean(),
  modules_to_save: z.array(z.string().min(1)),
  rank_pattern: z.record(z.string(), positiveInt),
  alpha_pattern: z.record(z.string(), z.number().positive()),
  layers_to_transform: z
    .union([nonNegativeInt.transform((layer) => [layer]), z.array(nonNegativeInt).min(1)])
    .nullable(),
  exclude_modules: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).nullable(),
  init_lora_weights: z.union([z.boolean(), z.enum(['gaussian', 'pissa'])]),
  trainable_modules: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).nullable(),
  scaling_vector_lr_ratio: z.number().positive(),
  adapter_path: z.string().min(1).nullable(),
});

export const trainingSchema = z.strictObject({
  per_device_train_batch_size: positiveInt,
  gradient_accumulation_steps: positiveInt,
  learning_rate: z.number().positive(),
  num_train_epochs: z.number().positive(),
  /** -1 = as many as the epochs need. */
  max_steps: z.union([z.literal(-1), positiveInt]),
  lr_scheduler_type: z.enum(LR_SCHEDULERS),
  lr_scheduler_kwargs: z.record(z.string(), z.number()),
  warmup_ratio: fraction,
  warmup_steps: nonNegativeInt,
  optim: z.preprocess((name) => (name === 'adamw_torch' ? 'adamw' : name), z.enum(OPTIMIZERS)),
  weight_decay: z.number().nonnegative(),
  adam_beta1: z.number().min(0).lt(1),
  adam_beta2: z.number().min(0).lt(1),
  adam_epsilon: z.number().positive(),
  momentum: z.number().min(0).lt(1),
  loraplus_lr_ratio: z.number().positive().nullable(),
  /** Learning rate of adapters on embedding tables under LoRA+. Runs from before it was there lack it. */
  loraplus_lr_embedding: z.number().positive().optional(),
  /** 0 = no clipping. */
  max_grad_norm: z.number().nonnegative(),
  logging_steps: positiveInt,
  /** 0 = only at the end of each epoch. */
  eval_steps: nonNegativeInt,
  /** Evaluate and answer the sample prompts before the first step too, for a before and after. Runs from before it was there lack it. */
  eval_on_start: z.boolean().optional(),
  per_device_eval_batch_size: positiveInt,
  metric_for_best_model: z.string().min(1),
  sample_prompts: z.array(z.string()),
  /** 0 = not by steps. */
  save_steps: nonNegativeInt,
  /** 0 = not by time. */
  save_minutes: z.number().nonnegative(),
  save_total_limit: positiveInt,
  load_best_model_at_end: z.boolean(),
  /** Evaluations without improvement before the run stops; 0 = never. */
  early_stopping_patience: nonNegativeInt,
  gradient_checkpointing: z.union([z.boolean(), z.literal('auto')]),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
});

const shared = {
  name: z.string(),
  task_type: z.enum(TASK_TYPES),
  problem_type: z.enum(PROBLEM_TYPES).nullable(),
  /** Class names in the order of their ids (SEQ_CLS). */
  labels: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'a name occurs twice')
    .nullable(),
};

/** What is stored with a run: every field present. */
export const resolvedRunConfigSchema = z.strictObject({
  ...shared,
  model: modelSchema,
  data: dataSchema,
  quantization: quantizationSchema,
  peft: peftSchema,
  training: trainingSchema,
});

/** What a person writes: model.path and data.train are needed, all else may be left out. */
export const runConfigSchema = z.strictObject({
  name: shared.name.optional(),
  task_type: shared.task_type.optional(),
  problem_type: shared.problem_type.optional(),
  labels: shared.labels.optional(),
  model: modelSchema,
  data: dataSchema.partial().required({ train: true }),
  quantization: quantizationSchema.partial().default({}),
  peft: peftSchema.partial().default({}),
  training: trainingSchema.partial().default({}),
});

export type RunConfig = z.infer<typeof runConfigSchema>;
export type ResolvedRunConfig = z.infer<typeof resolvedRunConfigSchema>;
export type DataConfig = ResolvedRunConfig['data'];
export type PeftConfig = ResolvedRunConfig['peft'];
export type TrainingConfig = ResolvedRunConfig['training'];
export type QuantizationConfig = ResolvedRunConfig['quantization'];
export type ProblemType = (typeof PROBLEM_TYPES)[number];
export type TaskType = ResolvedRunConfig['task_type'];

/** Checks a configuration a person wrote. @throws config/invalid with every fault and its path. */
export function parseRunConfig(value: unknown, file: string | null = null): RunConfig {
  const parsed = runConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw configError(faultsOf(parsed.error, file));
}

/** Checks a stored configuration. @throws config/invalid with every fault and its path. */
export function parseResolvedRunConfig(value: unknown, file: string | null = null): ResolvedRunConfig {
  const parsed = resolvedRunConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw configError(faultsOf(parsed.error, file));
}

function configError(faults: readonly Fault[]): AppError {
  const list = faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ');
  return new AppError('config/invalid', `The configuration has ${faults.length} fault(s): ${list}`, {
    faults,
    hint: 'Correct the named settings; `tunesmith train --help` lists them.',
  });
}

function faultsOf(error: z.ZodError, file: string | null): Fault[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        file,
        field: [path, key].filter(Boolean).join('.'),
        message: 'unknown setting',
        hint: 'check its spelling, or remove it',
      }));
    }
    return [{ file, field: path || '(whole file)', message: issue.message }];
  });
}
