/**
 * @file Everything about a run that is decided before its first step: model, data, adapter, configuration. Whatever is wrong shows here,
 * and nothing has been written yet.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { DataConfig, ResolvedRunConfig, RunConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { ClassSet } from '../data/class-labels.ts';
import { lengthOf, longestOf } from '../data/lengths.ts';
import { packRows } from '../data/packing.ts';
import { prepareData, type PreparedData } from '../data/prepare.ts';
import { createBatchSampler } from '../data/sampler.ts';
import type { TokenizedExample } from '../data/types.ts';
import { readCardMemory } from '../device/card-memory.ts';
import { unquantizedWeights } from '../models/unquantized.ts';
import { attachPeft, type AttachedPeft } from '../peft/attach.ts';
import { loadAdapter } from '../peft/load-adapter.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { chooseTask } from './choose-task.ts';
import { classMetadata, genericNames } from './find-classes.ts';
import type { FineTuneOptions } from './contract.ts';
import { openModel, type OpenModel } from './open-model.ts';
import { openTokenizer } from './open-tokenizer.ts';
import {
  assembleConfig,
  DEFAULT_SEED,
  loraPlusOf,
  resolveData,
  resolvePeft,
  resolveQuantization,
  resolveRates,
  resolveTraining,
} from './resolve-config.ts';
import type { Task } from './task.ts';
import { makeTask } from './tasks/make-task.ts';
import { requireWasmCan } from './wasm-limits.ts';
import { countValues } from '../weights/trainables.ts';

export interface PreparedRun {
  readonly config: ResolvedRunConfig;
  /** The wasm engine is to run it. */
  readonly isWasm: boolean;
  /** Free bytes of the graphics card that is to run it; null = the processor is. */
  readonly cardBytes: number | null;
  readonly opened: OpenModel;
  readonly tokenizer: Tokenizer;
  readonly task: Task;
  readonly data: PreparedData;
  readonly peft: AttachedPeft;
  /** Micro-batches of an epoch. */
  readonly batchesPerEpoch: number;
  readonly totalSteps: number;
  /** What chat templates took for today, milliseconds since 1970. */
  readonly startedAt: number;
  /** Whether the classification head is a random one that nobody trained yet. */
  readonly hasFreshHead: boolean;
}

/**
 * @param startedAt of the run that is resumed, null for a new one
 * @throws everything that the model, the data and the configuration can be refused for; the model is closed then
 */
export async function prepareRun(
  { config, host, resume }: Pick<FineTuneOptions, 'config' | 'host' | 'resume'>,
  startedAt: number | null,
): Promise<PreparedRun> {
  const started = startedAt ?? Date.now();
  const say = (phase: string): void => host.report({ event: 'progress', phase, fraction: null });
  say('Opening the model');
  const choice = await chooseTask(config);
  let fitted = await fit(config, choice.provisional, resume !== null);
  try {
    const { facts } = fitted.opened.model;
    const data = resolveData(config, facts, choice.type);
    const tokenizer = await openTokenizer(data, fitted.opened);
    const seed = config.training.seed ?? DEFAULT_SEED;
    const isWasm = host.bindingPath === null;
    const quantization = resolveQuantization(config, fitted.opened.folder, !isWasm);
    if (resume === null) requireQuantizable(config, fitted);
    say('Reading the data');
    const prepared = await prepareData({
      data,
      taskType: choice.type,
      tokenizer,
      vocabSize: facts.vocabSize,
      seed,
      now: new Date(started),
      labels: config.labels ?? choice.known?.names ?? null,
      preferredLabels: choice.preferred?.names ?? null,
      problemType: config.problem_type ?? choice.known?.problemType ?? choice.preferred?.problemType ?? null,
      signal: host.signal,
    });
    const classes = classesOf(prepared);
    if (classes !== null && classes.names.join('\n') !== choice.provisional?.names.join('\n')) {
      await fitted.opened.folder.close();
      fitted = await fit(config, classes, resume !== null);
    }
    const { opened, peft } = fitted;
    if (isWasm) requireWasmCan({ model: opened.model, quantization, trained: countValues(peft.trainables) });
    const task = makeTask(opened, tokenizer);
    const sizes = { ...gridOf(prepared.train, data), evalRows: prepared.eval.length };
    const training = resolveTraining(config, facts, peft.config, sizes, task.figures);
    const resolved = assembleConfig(config, {
      task_type: choice.type,
      problem_type: prepared.problemType,
      labels: prepared.labels === null ? null : [...prepared.labels],
      data,
      quantization,
      peft: peft.config,
      training,
    });
    const batchesPerEpoch = makeSampler(prepared.train, resolved).batchesPerEpoch;
    const totalSteps = countSteps(resolved, batchesPerEpoch);
    return {
      config: resolved,
      isWasm,
      cardBytes: readCardMemory(host.bindingPath),
      opened,
      tokenizer,
      task,
      data: prepared,
      peft,
      batchesPerEpoch,
      totalSteps,
      startedAt: started,
      // An adapter that knows classes brings the head.
      hasFreshHead: opened.fresh.length > 0 && choice.known === null,
    };
  } catch (error) {
    await fitted.opened.folder.close();
    throw error;
  }
}

/** @returns null for language models; a regression has one output without a name */
function classesOf({ labels, problemType }: PreparedData): ClassSet | null {
  if (labels === null || problemType === null) return null;
  return { names: labels.length > 0 ? labels : genericNames(1), problemType };
}

interface Fitted {
  readonly opened: OpenModel;
  readonly peft: AttachedPeft;
}

/** Opens the model with the head that is wanted, and attaches the adapter. */
async function fit(config: RunConfig, classes: ClassSet | null, isResumed: boolean): Promise<Fitted> {
  const headSeed = config.training.seed ?? DEFAULT_SEED;
  const opened = await openModel(config.model.path, { classes, headSeed });
  try {
    return { opened, peft: await attach(opened, config, isResumed) };
  } catch (error) {
    await opened.folder.close();
    throw error;
  }
}

/** The order of batches over a run; resumable. */
export function makeSampler(
  examples: readonly TokenizedExample[],
  { data, training }: ResolvedRunConfig,
  state?: { readonly epoch: number; readonly batch: number },
) {
  const options = {
    lengths: examples.map(lengthOf),
    batchSize: training.per_device_train_batch_size,
    maxLength: data.max_length,
    shuffle: data.shuffle,
    packing: data.packing,
    groupByLength: data.shuffle && !data.packing,
    seed: training.seed,
  };
  return createBatchSampler(options, state);
}

/** Trained matrices are held in f32: with all of them trained, fewer bits would be asked for and nothing would have them. */
function requireQuantizable({ quantization }: RunConfig, { opened, peft }: Fitted): void {
  const { method } = quantization;
  if (method !== 'int8' && method !== 'nf4') return;
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const kept = unquantizedWeights(opened.model);
  const names = opened.model.linears.map(({ path }) => `${path}.weight`);
  if (names.some((name) => !trained.has(name) && !kept.has(name))) return;
  const message = `"${method}" has nothing to hold: every matrix is trained, which needs all its bits`;
  throw new AppError('config/invalid', `The configuration contradicts itself: quantization.method: ${message}`, {
    faults: [
      { field: 'quantization.method', message, hint: 'train an adapter (peft.peft_type LORA), or leave it out' },
    ],
    hint: 'Correct the named settings.',
  });
}

async function attach(opened: OpenModel, config: RunConfig, isResumed: boolean): Promise<AttachedPeft> {
  const { model, folder, classes } = opened;
  const peft = resolvePeft(config, opened);
  const loraPlus = loraPlusOf(resolveRates(config, model.facts, peft));
  const seed = config.training.seed ?? DEFAULT_SEED;
  const ownTask: TaskType = model.kind === 'encoder-decoder' ? 'SEQ_2_SEQ_LM' : 'CAUSAL_LM';
  const taskType: TaskType = classes === null ? ownTask : 'SEQ_CLS';
  const metadata = classes === null ? {} : classMetadata(classes);
  const about = { model, folder, loraPlus, taskType, metadata };
  // A resumed run takes its tensors from its checkpoint: the adapter that it once began with may be gone.
  if (peft.adapter_path === null || isResumed) return attachPeft({ ...about, peft, seed });
  return loadAdapter({ ...about, dir: peft.adapter_path, peft: config.peft });
}

function gridOf(
  examples: readonly TokenizedExample[],
  { packing, max_length: maxLength }: DataConfig,
): { gridRows: number; rowTokens: number } {
  const lengths = examples.map(lengthOf);
  if (!packing) return { gridRows: lengths.length, rowTokens: longestOf(examples) };
  const order = lengths.map((_, index) => index);
  return { gridRows: packRows(lengths, order, maxLength).length, rowTokens: maxLength };
}

/** Optimizer steps; an epoch's last step takes what is left, as Hugging Face's Trainer does. */
function countSteps({ training }: ResolvedRunConfig, batchesPerEpoch: number): number {
  if (training.max_steps > 0) return training.max_steps;
  const perEpoch = Math.ceil(batchesPerEpoch / training.gradient_accumulation_steps);
  return Math.ceil(training.num_train_epochs * perEpoch);
}
