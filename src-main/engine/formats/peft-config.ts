/**
 * @file adapter_config.json in PEFT's own spelling (peft 0.21), for LoRA and for our Quasi-LoRA (peft_type QLORA).
 *
 * PEFT's settings change what the tensors mean, so a setting that is unknown here is refused when it is switched on, and ignored when
 * it is off: adapters of newer versions that use nothing new stay readable.
 */
import { z } from 'zod';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { JsonObject } from './json-file.ts';
import { filterWithin, isQuick, isTimeout } from './limited-pattern.ts';

const names = z.union([z.string().min(1), z.array(z.string().min(1))]);
const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** PEFT's defaults fill what an older or hand-written file leaves out. */
const adapterConfigSchema = z.object({
  peft_type: z.enum(['LORA', 'QLORA']),
  task_type: orNull(z.string()),
  base_model_name_or_path: orNull(z.string()),
  revision: orNull(z.string()),
  r: z.int().positive().default(8),
  lora_alpha: z.number().default(8),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: orNull(names),
  exclude_modules: orNull(names),
  /** A list of module names in native adapters only. */
  bias: z.union([z.enum(['none', 'all', 'lora_only']), z.array(z.string().min(1))]).default('none'),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  fan_in_fan_out: z.boolean().default(false),
  modules_to_save: orNull(z.array(z.string().min(1))),
  rank_pattern: z.record(z.string(), z.int().positive()).default({}),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
  layers_to_transform: orNull(z.union([z.int().transform((layer) => [layer]), z.array(z.int())])),
  layers_pattern: orNull(names),
  init_lora_weights: z.union([z.boolean(), z.string()]).default(true),
  inference_mode: z.boolean().default(true),
  /** A trained embedding stays the head's table too. */
  ensure_weight_tying: z.boolean().default(false),
});

/** The settings of an adapter, every field present. */
export type PeftAdapterConfig = Readonly<z.infer<typeof adapterConfigSchema>>;
/** What must be said about an adapter; the rest has PEFT's defaults. */
export type PeftAdapterSettings = z.input<typeof adapterConfigSchema>;

/** Keys that PEFT writes and that change nothing here, whatever they say. */
const WITHOUT_MEANING = new Set([
  'auto_mapping',
  'loftq_config',
  'megatron_config',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'runtime_config',
  // Settings of how A and B were drawn, or how they were trained; the tensors say the result.
  'corda_config',
  'eva_config',
  'lora_ga_config',
  'velora_config',
]);

/**
 * Ways to draw A and B that also change the base weights, so that the adapter belongs to a base that no longer exists. (PiSSA does so
 * too, but its part of the base can be worked out again.)
 */
const CHANGES_BASE = /^(olora|corda|loftq|lora_ga|pissa_niter_\d+)$/;

/** Fills in PEFT's defaults. @throws on settings that the type does not allow */
export function makePeftConfig(settings: PeftAdapterSettings): PeftAdapterConfig {
  return adapterConfigSchema.parse(settings);
}

/**
 * Reads adapter_config.json.
 * @param faults takes everything that is wrong or not understood
 * @returns null where a field has no usable value
 */
export function parsePeftConfig(raw: JsonObject, file: string, faults: Fault[]): PeftAdapterConfig | null {
  if (raw['peft_type'] !== 'LORA' && raw['peft_type'] !== 'QLORA') {
    const message = `is ${JSON.stringify(raw['peft_type'])}; only LORA and QLORA adapters can be used`;
    faults.push({ file, field: 'peft_type', message });
    return null;
  }
  const known = new Set(Object.keys(adapterConfigSchema.shape));
  for (const [field, value] of Object.entries(raw)) {
    if (known.has(field) || WITHOUT_MEANING.has(field) || isOff(value)) continue;
    const message = `${JSON.stringify(value).slice(0, 60)} is a kind of LoRA that is not supported`;
    faults.push({ file, field, message });
  }
  const init = raw['init_lora_weights'];
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    const hint = 'save it with PEFT as plain LoRA (save_pretrained with path_initial_model_for_weight_conversion)';
    faults.push({ file, field: 'init_lora_weights', message: `${init} has changed the base model's weights`, hint });
  }
  const parsed = adapterConfigSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) faults.push({ file, field: path.join('.'), message });
  return null;
}

/** The text of adapter_config.json, with all keys that PEFT wants, sorted as PEFT sorts them. */
export function encodePeftConfig(config: PeftAdapterConfig): string {
  const { ensure_weight_tying: tying, ...rest } = config;
  const all: Record<string, unknown> = {
    ...rest,
    // Versions before 0.18 stop at keys that they do not know.
    ...(tying && { ensure_weight_tying: true }),
    auto_mapping: null,
    inference_mode: true,
    layer_replication: null,
    loftq_config: {},
    lora_bias: false,
    megatron_config: null,
    megatron_core: 'megatron.core',
  };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}

/** Rank of one module: the first pattern that its path ends with, else `r`. */
export function rankOf(config: Pick<PeftAdapterConfig, 'r' | 'rank_pattern'>, module: string): number {
  return findByPattern(config.rank_pattern, module) ?? config.r;
}

/** What the update of one module is multiplied with: alpha / r, or alpha / sqrt(r) for rsLoRA, patterns taken into account. */
export function scaleOf(
  config: Pick<PeftAdapterConfig, 'r' | 'rank_pattern' | 'lora_alpha' | 'alpha_pattern' | 'use_rslora'>,
  module: string,
): number {
  const rank = rankOf(config, module);
  const alpha = findByPattern(config.alpha_pattern, module) ?? config.lora_alpha;
  return alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
}

/** Patterns are regular expressions that must reach the end of the path and start at its start or after a dot. */
function findByPattern(patterns: Readonly<Record<string, number>>, module: string): number | undefined {
  return Object.entries(patterns).find(([pattern]) => matchesPattern(pattern, module))?.[1];
}

function matchesPattern(pattern: string, module: string): boolean {
  if (pattern === module) return true;
  const source = `^(?:.*\\.)?(?:${pattern})$`;
  try {
    return isQuick(pattern) ? new RegExp(source).test(module) : filterWithin(source, [module]).length > 0;
  } catch (error) {
    if (isTimeout(error)) throw tooSlow(pattern);
    // Python knows a few forms that JavaScript does not; such a pattern counts as a plain name.
    return module.endsWith(`.${pattern}`);
  }
}

function tooSlow(pattern: string): AppError {
  return new AppError(
    'peft/slow-pattern',
    `The pattern ${JSON.stringify(pattern.slice(0, 60))} takes too long to match`,
    {
      hint: 'Avoid repetitions inside repetitions, such as (a+)+, in rank_pattern and alpha_pattern.',
    },
  );
}

function isOff(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
