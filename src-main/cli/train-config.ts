/**
 * @file The configuration of a run from a file, the flags and `--set`, in this order; the later one wins.
 */
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { AppError, type Fault } from '../../src-shared/domain/app-error.ts';
import type { JsonObject } from '../../src-shared/domain/json.ts';
import {
  DATA_FORMATS,
  LR_SCHEDULERS,
  OPTIMIZERS,
  parseRunConfig,
  QUANTIZATION_METHODS,
  type RunConfig,
} from '../../src-shared/schema/run-config.ts';
import { applySettings } from '../services/config-edit.ts';
import type { Services } from '../services/create-services.ts';

export interface TrainFlags {
  readonly model?: string;
  readonly data?: readonly string[];
  readonly eval?: readonly string[];
  readonly config?: string;
  readonly name?: string;
  readonly set: readonly string[];
}

/** What `train`, `queue add` and the like take. */
export function addTrainFlags(command: Command): Command {
  return command
    .option('--model <dir>', 'model folder (config.json, tokenizer.json, *.safetensors), or a name from `models list`')
    .option('--data <files...>', 'training data: JSONL, JSON, CSV, TSV, Parquet, XLSX or TXT')
    .option('--eval <files...>', 'evaluation data; without it a tenth of the training rows is held out')
    .option('--config <file>', 'JSON file with settings, as run.json of another run has them')
    .option('--name <text>', 'name of the run')
    .option('--set <path=value>', 'one setting; may be repeated', (value, before: string[]) => [...before, value], []);
}

export const SETTINGS_HELP = `
Settings (--set path=value, or in the --config file under the same names):
  task_type CAUSAL_LM|SEQ_CLS|SEQ_2_SEQ_LM (by model and data)   problem_type single_label_classification|multi_label_classification|regression
  labels ["yes", "no"] (names of the classes in the order of their ids; collected from the data where left out)
  data.format ${DATA_FORMATS.join('|')}
  data.max_length 512    data.eval_fraction 0.1    data.packing true    data.completion_only_loss true
  data.columns {"prompt": "question"}    data.template "a Jinja chat template"    data.shuffle true
  quantization.method ${QUANTIZATION_METHODS.join('|')}   quantization.double_quant true (nf4)
  peft.peft_type LORA|QLORA (with a scaling vector)|NONE (all weights)   peft.r 8   peft.lora_alpha 32
  peft.lora_dropout 0   peft.use_dora true   peft.scaling_vector_lr_ratio 1 (QLORA)
  peft.target_modules all-linear | ["q_proj","v_proj"] | a regular expression      peft.use_rslora true
  peft.modules_to_save ["lm_head"]   peft.bias none|all|lora_only|["q_proj"]   peft.init_lora_weights true|false|gaussian|pissa
  peft.rank_pattern {"q_proj": 16}   peft.alpha_pattern {"q_proj": 64}   peft.layers_to_transform [0, 1]
  peft.exclude_modules ["down_proj"]   peft.trainable_modules a regular expression (NONE)
  peft.adapter_path DIR (go on from an adapter)
  training.learning_rate 2e-4   training.num_train_epochs 3   training.max_steps 100   training.seed 42
  training.per_device_train_batch_size 4    training.gradient_accumulation_steps 4
  training.optim ${OPTIMIZERS.join('|')}   training.weight_decay 0   training.loraplus_lr_ratio 16 (LoRA+)
  training.lr_scheduler_type ${LR_SCHEDULERS.join('|')}
  training.warmup_ratio 0.03   training.warmup_steps 10   training.max_grad_norm 1   training.logging_steps 1
  training.eval_steps 50   training.eval_on_start true   training.save_steps 100   training.save_minutes 10
  training.save_total_limit 2   training.early_stopping_patience 3   training.gradient_checkpointing auto
  training.per_device_eval_batch_size 8   training.sample_prompts ["Hello"]   training.load_best_model_at_end true
What is left out is chosen from the model and the data; run.json of the run shows every value that was used.`;

/** @throws config/unreadable, config/bad-setting, config/invalid with all faults */
export async function readTrainConfig(flags: TrainFlags, services: Services): Promise<RunConfig> {
  const fromFile = flags.config === undefined ? {} : await readConfigFile(flags.config);
  const model = flags.model === undefined ? {} : { path: await services.models.resolveFolder(flags.model) };
  const data = { ...(flags.data && { train: [...flags.data] }), ...(flags.eval && { eval: [...flags.eval] }) };
  const base: JsonObject = {
    ...fromFile,
    ...(flags.name !== undefined && { name: flags.name }),
    model: { ...objectOf(fromFile.model), ...model },
    data: { ...objectOf(fromFile.data), ...data },
  };
  const edited = applySettings(base, flags.set);
  try {
    return parseRunConfig(edited, flags.config ?? null);
  } catch (error) {
    throw nameMissingFlags(error, edited);
  }
}

/** run.json of a run serves as well: its configuration is taken out of it. */
async function readConfigFile(file: string): Promise<JsonObject> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw configFileError(file, reason, 'Check the path after --config.');
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw configFileError(file, error instanceof Error ? error.message : String(error), 'Write it as plain JSON.');
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) throw configFileError(file, 'it holds no JSON object', 'Write it as {"model": …, "data": …}.');
  const config = value as JsonObject;
  return 'config' in config && 'resolved' in config ? objectOf(config.config) : config;
}

function configFileError(file: string, reason: string, hint: string): AppError {
  return new AppError('config/unreadable', `${file}: ${reason}`, { hint, faults: [{ file, message: reason }] });
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** A person at a terminal thinks of flags, not of schema paths. */
function nameMissingFlags(error: unknown, config: JsonObject): unknown {
  if (!(error instanceof AppError)) return error;
  const flags: Readonly<Record<string, string>> = { 'model.path': '--model DIR', 'data.train': '--data FILES' };
  const isAbsent = (field: string) => {
    const [section = '', name = ''] = field.split('.');
    return objectOf(config[section])[name] === undefined;
  };
  const faults = error.faults.map((fault): Fault => {
    const flag = flags[fault.field ?? ''];
    if (!flag || !isAbsent(fault.field ?? '')) return fault;
    return { ...fault, message: 'is missing', hint: `give ${flag}` };
  });
  const list = faults.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new AppError(error.code, `The configuration has ${faults.length} fault(s): ${list}`, {
    faults,
    hint: error.hint,
  });
}
