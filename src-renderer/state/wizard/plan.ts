/**
 * @file What a draft comes to: every setting with a value, and what follows from them. A pure function of draft, model and data, so
 * that each change is answered at once.
 */
import { CLASS_HEADS, isChecked } from '../../../src-shared/domain/checked-figures.ts';
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type {
  DataConfig,
  PeftConfig,
  RunConfig,
  TaskType,
  TrainingConfig,
} from '../../../src-shared/schema/run-config.ts';
import type { Draft } from './draft.ts';
import { adapterOf, offeredPrecisions, type Precision, settledData } from './offers.ts';
import {
  type DataSizes,
  gridOf,
  PRESET_AIMS,
  recommendBatchSize,
  recommendEpochs,
  recommendMaxLength,
  recommendRate,
  sizeData,
} from './recommend.ts';
import { countTrainable } from './trainable.ts';

/** Settings that the screens show. */
export interface PlannedSettings {
  readonly task_type: TaskType;
  readonly data: Omit<DataConfig, 'train' | 'eval' | 'template'>;
  readonly peft: Pick<
    PeftConfig,
    'peft_type' | 'r' | 'lora_alpha' | 'lora_dropout' | 'target_modules' | 'bias' | 'use_rslora' | 'use_dora'
  >;
  readonly training: Omit<TrainingConfig, 'lr_scheduler_kwargs' | 'metric_for_best_model' | 'logging_steps'>;
  readonly precision: Precision;
}

export interface Plan {
  readonly settings: PlannedSettings;
  /** null until the data was looked at. */
  readonly sizes: DataSizes | null;
  readonly stepsPerEpoch: number | null;
  readonly totalSteps: number | null;
  /** How often the rows are read: a number of steps that was asked for comes before the epochs. */
  readonly rounds: number;
  /** Tokens of the whole training. */
  readonly totalTokens: number | null;
  /** null without a model. */
  readonly trainable: number | null;
}

export interface PlanFacts {
  readonly model: ModelDetails | null;
  readonly report: DataReport | null;
  /** Decides what is offered; left out = everything. */
  readonly engine?: EngineStatus | null;
}

const roundTenth = (value: number): number => Math.round(10 * value) / 10;

export function makePlan(draft: Draft, { model, report, engine = null }: PlanFacts): Plan {
  const { config, preset } = draft;
  const maxLength = recommendMaxLength(report, model);
  const task_type = taskOf(draft, report, model);
  const data = { ...plainData(maxLength), ...withoutFiles(config.data), ...settledData(task_type) };
  const peft = { ...plainPeft(preset), ...config.peft } as PlannedSettings['peft'];
  const sizes = report === null ? null : sizeData(report, config.data, data.max_length);
  const grid = sizes === null ? null : gridOf(sizes, data.max_length, data.packing);
  const batch = config.training.per_device_train_batch_size ?? (grid === null ? 4 : recommendBatchSize(grid));
  const accumulation = config.training.gradient_accumulation_steps ?? 1;
  const stepsPerEpoch = grid === null ? null : Math.max(1, Math.ceil(grid.rows / batch / accumulation));
  const epochs =
    config.training.num_train_epochs ?? (stepsPerEpoch === null ? 3 : recommendEpochs(stepsPerEpoch, preset));
  const training = {
    ...plainTraining(draft, model, (sizes?.evalRows ?? 1) > 0),
    per_device_train_batch_size: batch,
    per_device_eval_batch_size: batch,
    gradient_accumulation_steps: accumulation,
    num_train_epochs: epochs,
    ...config.training,
  };
  const wholeSteps = stepsPerEpoch === null ? null : Math.ceil(stepsPerEpoch * epochs);
  const totalSteps = training.max_steps > 0 ? training.max_steps : wholeSteps;
  const tokensPerStep = stepsPerEpoch === null || !sizes?.epochTokens ? null : sizes.epochTokens / stepsPerEpoch;
  return {
    settings: { task_type, data, peft, training, precision: precisionOf(draft, model, engine) },
    sizes,
    stepsPerEpoch,
    totalSteps,
    rounds: training.max_steps > 0 && stepsPerEpoch !== null ? roundTenth(training.max_steps / stepsPerEpoch) : epochs,
    totalTokens: totalSteps === null || tokensPerStep === null ? null : Math.round(tokensPerStep * totalSteps),
    trainable: model === null ? null : countTrainable(model, peft),
  };
}

/**
 * The configuration as it is sent, shared and saved: everything that the screens showed, nothing else.
 * @throws TypeError without a model; `checks.ts` says so before
 */
export function buildConfig(draft: Draft, plan: Plan): RunConfig {
  const { config } = draft;
  if (config.model === null) throw new TypeError('internal: a draft without a model has no configuration');
  const { task_type, data, peft, training, precision } = plan.settings;
  const { problem_type, labels } = config;
  const trained = { ...training, ...config.training };
  const { metric_for_best_model: _metric, ...withoutMetric } = trained;
  const isNamed = task_type === 'SEQ_CLS' && problem_type !== 'regression';
  return {
    ...(config.name && { name: config.name }),
    task_type,
    ...(task_type === 'SEQ_CLS' && problem_type && { problem_type }),
    ...(isNamed && labels && { labels: [...labels] }),
    model: config.model,
    data: { ...data, ...config.data, ...settledData(task_type), train: [...config.data.train] },
    quantization: { ...config.quantization, method: precision },
    peft: withoutHeads({ ...peft, ...config.peft }),
    training: droppedMetric(draft, plan) === null ? trained : withoutMetric,
  };
}

/** The figure by which a draft chooses its best checkpoint, where what it learns now has no such figure; the loss takes its place. */
export function droppedMetric({ config }: Draft, { settings }: Plan): string | null {
  const { metric_for_best_model: metric } = config.training;
  const isKept = metric === undefined || isChecked(metric, settings.task_type, config.problem_type ?? null);
  return isKept ? null : metric;
}

/** A classifier's head is saved whole by itself, under the name that the model at hand has for it; another model has no such module. */
function withoutHeads(peft: RunConfig['peft']): RunConfig['peft'] {
  const { modules_to_save: saved } = peft;
  return saved ? { ...peft, modules_to_save: saved.filter((name) => !CLASS_HEADS.includes(name)) } : peft;
}

function withoutFiles({ train: _train, eval: _eval, template: _template, ...rest }: Draft['config']['data']) {
  return rest;
}

/** As the engine finds it where the person says nothing: by the kind of model, then by the format of the data. */
function taskOf({ config }: Draft, report: DataReport | null, model: ModelDetails | null): TaskType {
  const offered = model?.task_types ?? [];
  const { task_type: wanted } = config;
  if (wanted !== undefined && (offered.length === 0 || offered.includes(wanted))) return wanted;
  const [usual = 'CAUSAL_LM'] = offered;
  const found = report?.files.find(({ role }) => role === 'train')?.format;
  return usual === 'CAUSAL_LM' && found === 'classification' ? 'SEQ_CLS' : usual;
}

function plainData(maxLength: number): PlannedSettings['data'] {
  return {
    eval_fraction: 0.1,
    format: 'auto',
    columns: {},
    max_length: maxLength,
    packing: true,
    shuffle: true,
    completion_only_loss: true,
  };
}

function plainPeft(preset: Draft['preset']): PlannedSettings['peft'] {
  const r = PRESET_AIMS[preset].rank;
  return {
    peft_type: 'LORA',
    r,
    lora_alpha: r * 4,
    lora_dropout: 0,
    target_modules: 'all-linear',
    bias: 'none',
    use_rslora: false,
    use_dora: false,
  };
}

function plainTraining(
  { preset, config }: Draft,
  model: ModelDetails | null,
  hasEval: boolean,
): Omit<
  PlannedSettings['training'],
  'per_device_train_batch_size' | 'per_device_eval_batch_size' | 'gradient_accumulation_steps' | 'num_train_epochs'
> {
  return {
    learning_rate: recommendRate(model, adapterOf(config.peft) === 'whole'),
    max_steps: -1,
    lr_scheduler_type: 'linear',
    warmup_ratio: 0.03,
    warmup_steps: 0,
    optim: 'adamw',
    weight_decay: 0,
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    momentum: 0.9,
    loraplus_lr_ratio: null,
    loraplus_lr_embedding: 1e-6,
    max_grad_norm: 1,
    eval_steps: 0,
    eval_on_start: hasEval,
    sample_prompts: [],
    save_steps: 0,
    save_minutes: 10,
    save_total_limit: 2,
    load_best_model_at_end: hasEval,
    early_stopping_patience: hasEval ? PRESET_AIMS[preset].patience : 0,
    gradient_checkpointing: 'auto',
    seed: 42,
  };
}

/** As the person wants it where that is offered; else as stored. */
function precisionOf({ config }: Draft, model: ModelDetails | null, engine: EngineStatus | null): Precision {
  const offered = offeredPrecisions(engine, config.peft);
  const { method = model?.dtype === 'F32' ? 'none' : 'bf16' } = config.quantization;
  return offered.includes(method) ? method : (offered.at(-1) ?? 'none');
}
