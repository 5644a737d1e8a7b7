/**
 * @file Fills the gaps of a run configuration from the model and the data. What a person wrote is never changed.
 *
 * Two stages: data settings are needed before the data can be read, training settings depend on how many rows and tokens there are.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { figureOf } from '../../../src-shared/domain/checked-figures.ts';
import type {
  DataConfig,
  PeftConfig,
  QuantizationConfig,
  ResolvedRunConfig,
  RunConfig,
  TaskType,
  TrainingConfig,
} from '../../../src-shared/schema/run-config.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import type { ModelFacts } from '../models/model.ts';
import { moduleOf } from '../peft/adaptable-model.ts';
import { PEFT_DEFAULTS } from '../peft/defaults.ts';
import type { LoraPlus } from '../peft/trained-tensors.ts';
import { isTrainedWhole } from '../formats/adapter-names.ts';
import { quantizationFor } from './inference-session.ts';
import type { OpenModel } from './open-model.ts';
import type { Task } from './task.ts';

export const DEFAULT_SEED = 42;
/** Longest row that is trained where nothing else is said. */
const DEFAULT_MAX_LENGTH = 512;
/** Labelled updates that a short data set should get. */
const WANTED_STEPS = 150;
const MOST_EPOCHS = 10;
/** Tokens of one batch. */
const BATCH_TOKENS = 4096;
const STEPS_PER_EPOCH = 20;
/** Width that the rates below are good for; smaller models take larger steps. */
const REFERENCE_WIDTH = 2048;
const LORA_RATE = 2e-4;
const FULL_RATE = 2e-5;
/** PEFT's default of `loraplus_lr_embedding`. */
const LORAPLUS_TABLE_RATE = 1e-6;

/** The first stage. @throws config/invalid */
export function resolveData(config: RunConfig, facts: ModelFacts, type: TaskType): DataConfig {
  const { data } = config;
  const resolved: DataConfig = {
    eval: null,
    eval_fraction: 0.1,
    format: 'auto',
    columns: {},
    template: null,
    max_length: Math.min(DEFAULT_MAX_LENGTH, facts.maxPositions),
    // A classifier reads one example a row.
    packing: type !== 'SEQ_CLS',
    shuffle: true,
    completion_only_loss: true,
    ...data,
  };
  const faults: Fault[] = [];
  if (resolved.max_length > facts.maxPositions) {
    const message = `${resolved.max_length} is more than the model's ${facts.maxPositions} positions`;
    faults.push({ field: 'data.max_length', message });
  }
  if (resolved.packing && type === 'SEQ_CLS') {
    faults.push({ field: 'data.packing', message: `does not go with task_type ${type}: each row is read by itself` });
  }
  requireNone(faults);
  return resolved;
}

function requireNone(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const list = faults.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new AppError('config/invalid', `The configuration does not fit the model: ${list}`, {
    faults,
    hint: 'Correct the named settings.',
  });
}

const LOSSES = ['eval_loss', 'loss'];

/** The figure that the best checkpoint is chosen by. */
export function bestFigureOf({ metric_for_best_model: name = 'loss' }: Partial<TrainingConfig>): string {
  return figureOf(name);
}

/** As stored; a half-precision file is trained in bf16 where the engine has it, an f32 file in f32. */
export function resolveQuantization(config: RunConfig, folder: ModelFolder, hasBf16: boolean): QuantizationConfig {
  const stored = quantizationFor(folder, config.quantization);
  if (config.quantization.method !== undefined || stored.method !== 'none' || !hasBf16) return stored;
  const dtypes = new Set(folder.names().map((name) => folder.entry(name).dtype));
  return { ...stored, method: dtypes.has('BF16') || dtypes.has('F16') ? 'bf16' : 'none' };
}

/** A classifier's head is trained whole beside an adapter, and so is what the model's files lack. */
export function resolvePeft(config: RunConfig, { model, fresh }: OpenModel): PeftConfig {
  const peft = { ...PEFT_DEFAULTS, ...config.peft };
  if (model.kind !== 'classifier' || peft.peft_type === 'NONE') return peft;
  const whole = [...new Set([...peft.modules_to_save, ...model.headModules])];
  const left = fresh.map(moduleOf).filter((path) => !isTrainedWhole(path, whole));
  return { ...peft, modules_to_save: [...new Set([...whole, ...left])] };
}

export interface DataFacts {
  /** Rows of the grid that training runs over: packed rows where rows are packed. */
  readonly gridRows: number;
  /** Tokens of the longest such row. */
  readonly rowTokens: number;
  readonly evalRows: number;
}

/** The second stage. @param figures what is measured beside the loss @throws config/invalid */
export function resolveTraining(
  config: RunConfig,
  facts: ModelFacts,
  peft: PeftConfig,
  data: DataFacts,
  figures: Task['figures'] = {},
): TrainingConfig {
  const { training } = config;
  const known = [...LOSSES, ...Object.keys(figures)];
  if (training.metric_for_best_model && !known.includes(bestFigureOf(training))) {
    const message = `"${training.metric_for_best_model}" is not measured; choose from ${known.join(', ')}`;
    requireNone([{ field: 'training.metric_for_best_model', message }]);
  }
  const batch = training.per_device_train_batch_size ?? chooseBatchSize(data);
  const stepsPerEpoch = Math.ceil(data.gridRows / batch / (training.gradient_accumulation_steps ?? 1));
  const hasEval = data.evalRows > 0;
  return {
    per_device_train_batch_size: batch,
    gradient_accumulation_steps: 1,
    num_train_epochs: Math.max(1, Math.min(MOST_EPOCHS, Math.ceil(WANTED_STEPS / stepsPerEpoch))),
    max_steps: -1,
    lr_scheduler_type: 'linear',
    lr_scheduler_kwargs: {},
    warmup_ratio: 0.03,
    warmup_steps: 0,
    optim: 'adamw',
    weight_decay: 0,
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    momentum: 0.9,
    max_grad_norm: 1,
    logging_steps: 1,
    eval_steps: 0,
    eval_on_start: false,
    per_device_eval_batch_size: batch,
    metric_for_best_model: 'eval_loss',
    sample_prompts: [],
    save_steps: 0,
    save_minutes: 10,
    save_total_limit: 2,
    load_best_model_at_end: hasEval,
    early_stopping_patience: 0,
    gradient_checkpointing: 'auto',
    seed: DEFAULT_SEED,
    ...training,
    ...resolveRates(config, facts, peft),
  };
}

type Rates = Required<Pick<TrainingConfig, 'learning_rate' | 'loraplus_lr_ratio' | 'loraplus_lr_embedding'>>;

/** Learning rates, which do not depend on the data. */
export function resolveRates({ training }: RunConfig, facts: ModelFacts, peft: PeftConfig): Rates {
  return {
    learning_rate: training.learning_rate ?? chooseRate(facts, peft),
    loraplus_lr_ratio: training.loraplus_lr_ratio ?? null,
    loraplus_lr_embedding: training.loraplus_lr_embedding ?? LORAPLUS_TABLE_RATE,
  };
}

/** Factors of LoRA+; null = it is off. */
export function loraPlusOf(rates: Rates): LoraPlus | null {
  const { loraplus_lr_ratio: ratio, loraplus_lr_embedding: tableRate, learning_rate: rate } = rates;
  return ratio === null ? null : { ratio, tableRatio: tableRate / rate };
}

/** The whole, in the order of the schema. */
export function assembleConfig(config: RunConfig, parts: Omit<ResolvedRunConfig, 'name' | 'model'>): ResolvedRunConfig {
  return {
    name: config.name ?? '',
    task_type: parts.task_type,
    problem_type: parts.problem_type,
    labels: parts.labels,
    model: config.model,
    data: parts.data,
    quantization: parts.quantization,
    peft: parts.peft,
    training: parts.training,
  };
}

/** Large enough to use the machine, small enough for some twenty updates an epoch. */
function chooseBatchSize({ gridRows, rowTokens }: DataFacts): number {
  const byTokens = Math.max(1, Math.floor(BATCH_TOKENS / Math.max(1, rowTokens)));
  const byRows = Math.max(1, Math.floor(gridRows / STEPS_PER_EPOCH));
  return 2 ** Math.floor(Math.log2(Math.min(byTokens, byRows, 16)));
}

function chooseRate({ hiddenSize }: ModelFacts, { peft_type }: PeftConfig): number {
  const base = peft_type === 'NONE' ? FULL_RATE : LORA_RATE;
  const scaled = base * Math.max(0.5, Math.min(16, REFERENCE_WIDTH / hiddenSize));
  return Number(scaled.toPrecision(2));
}
