/**
 * @file What a configuration says in a list of runs.
 */
import path from 'node:path';
import type { RunRecord } from '../../src-shared/domain/history.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';

/** More targets than these are counted, not named. */
const MOST_NAMED = 3;

export type ConfigColumns = Pick<
  RunRecord,
  | 'task_type'
  | 'model_path'
  | 'model_name'
  | 'method'
  | 'method_summary'
  | 'quantization'
  | 'data_summary'
  | 'config_json'
>;

/** The columns of a run that follow from its configuration, resolved or not. */
export function describeConfig(config: RunConfig): ConfigColumns {
  return {
    task_type: config.task_type ?? 'CAUSAL_LM',
    model_path: config.model.path,
    model_name: path.basename(config.model.path),
    method: config.peft.peft_type ?? 'LORA',
    method_summary: summarizeMethod(config),
    quantization: config.quantization.method ?? null,
    data_summary: config.data.train.map((file) => path.basename(file)).join(', '),
    config_json: JSON.stringify(config),
  };
}

/** `QLoRA r=8 alpha=32, all-linear, NF4`. */
export function summarizeMethod({ peft, quantization }: RunConfig): string {
  const storage = quantization.method ?? 'none';
  const isQuantized = storage === 'nf4' || storage === 'int8';
  if (peft.peft_type === 'NONE') return 'full fine-tuning';
  const kind = peft.use_dora ? 'DoRA' : peft.use_rslora ? 'rsLoRA' : 'LoRA';
  const name = peft.peft_type === 'QLORA' ? `Quasi-${kind}` : isQuantized ? `Q${kind}` : kind;
  const rank = peft.r === undefined ? '' : ` r=${peft.r}`;
  const alpha = peft.lora_alpha === undefined ? '' : ` alpha=${peft.lora_alpha}`;
  const targets = peft.target_modules;
  const where = targets === undefined ? [] : [typeof targets === 'string' ? targets : listTargets(targets)];
  return [`${name}${rank}${alpha}`, ...where, ...(isQuantized ? [storage.toUpperCase()] : [])].join(', ');
}

function listTargets(targets: readonly string[]): string {
  return targets.length > MOST_NAMED ? `${targets.length} kinds of matrices` : targets.join(' ');
}

/** A name for a run whose owner gave none. */
export function nameRun(config: RunConfig): string {
  const [first = ''] = config.data.train;
  return config.name || `${path.basename(config.model.path)} on ${path.parse(first).name}`;
}
