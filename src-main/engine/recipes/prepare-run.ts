/**
 * @file Everything about a run that is decided before its first step: model, data, adapter, configuration. Whatever is wrong shows here,
 * and nothing has been written yet.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { ResolvedRunConfig } from '../../../src-shared/schema/run-config.ts';
import { packRows } from '../data/packing.ts';
import { prepareData, type PreparedData } from '../data/prepare.ts';
import { createBatchSampler } from '../data/sampler.ts';
import type { TokenizedExample } from '../data/types.ts';
import { attachPeft, type AttachedPeft } from '../peft/attach.ts';
import { loadAdapter } from '../peft/load-adapter.ts';
import { createIdTokenizer } from '../tokenizer/id-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { FineTuneOptions } from './contract.ts';
import { openModel, type OpenModel } from './open-model.ts';
import {
  assembleConfig,
  DEFAULT_SEED,
  resolveData,
  resolvePeft,
  resolveQuantization,
  resolveTraining,
} from './resolve-config.ts';
import type { Task } from './task.ts';
import { makeTask } from './tasks/make-task.ts';
import { requireWasmCan } from './wasm-limits.ts';

export interface PreparedRun {
  readonly config: ResolvedRunConfig;
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
  const opened = await openModel(config.model.path);
  try {
    const { model, folder } = opened;
    const data = resolveData(config, model.facts);
    const tokenizer = await tokenizerFor(data, opened);
    const task = makeTask(model, tokenizer);
    const peft = resolvePeft(config);
    const seed = config.training.seed ?? DEFAULT_SEED;
    const attached = await attach(opened, peft, config, resume !== null);
    const isWasm = host.bindingPath === null;
    const quantization = resolveQuantization(config, folder, !isWasm);
    if (isWasm) requireWasmCan({ model, quantization, trained: countValues(attached) });
    say('Reading the data');
    const prepared = await prepareData({
      data,
      taskType: task.type,
      tokenizer,
      vocabSize: model.facts.vocabSize,
      seed,
      now: new Date(started),
      signal: host.signal,
    });
    const training = resolveTraining(config, model.facts, attached.config, {
      ...gridOf(prepared.train, data),
      evalRows: prepared.eval.length,
    });
    const resolved = assembleConfig(config, {
      data,
      quantization,
      peft: attached.config,
      training,
    });
    const batchesPerEpoch = makeSampler(prepared.train, resolved).batchesPerEpoch;
    const totalSteps = countSteps(resolved, batchesPerEpoch);
    return {
      config: resolved,
      opened,
      tokenizer,
      task,
      data: prepared,
      peft: attached,
      batchesPerEpoch,
      totalSteps,
      startedAt: started,
    };
  } catch (error) {
    await opened.folder.close();
    throw error;
  }
}

const countValues = ({ trainables }: AttachedPeft): number =>
  trainables.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** The order of batches over a run; resumable. */
export function makeSampler(
  examples: readonly TokenizedExample[],
  { data, training }: ResolvedRunConfig,
  state?: { readonly epoch: number; readonly batch: number },
) {
  const options = {
    lengths: examples.map(({ inputIds }) => inputIds.length),
    batchSize: training.per_device_train_batch_size,
    maxLength: data.max_length,
    shuffle: data.shuffle,
    packing: data.packing,
    groupByLength: data.shuffle && !data.packing,
    seed: training.seed,
  };
  return createBatchSampler(options, state);
}

async function attach(
  { model, folder }: OpenModel,
  peft: ResolvedRunConfig['peft'],
  config: FineTuneOptions['config'],
  isResumed: boolean,
): Promise<AttachedPeft> {
  const loraplusLrRatio = config.training.loraplus_lr_ratio ?? null;
  const seed = config.training.seed ?? DEFAULT_SEED;
  // A resumed run takes its tensors from its checkpoint: the adapter that it once began with may be gone.
  if (peft.adapter_path === null || isResumed) return attachPeft({ model, folder, peft, loraplusLrRatio, seed });
  return loadAdapter({ model, folder, dir: peft.adapter_path, peft: config.peft, loraplusLrRatio });
}

/** Rows of token ids need no tokenizer. */
async function tokenizerFor(
  { format }: ResolvedRunConfig['data'],
  { model, folder, tokenizer }: OpenModel,
): Promise<Tokenizer> {
  try {
    return await tokenizer();
  } catch (error) {
    const isMissing = error instanceof AppError && error.code === 'tokenizer/missing';
    if (format !== 'tokens' || !isMissing) throw error;
    return createIdTokenizer(model.facts.vocabSize, folder.config);
  }
}

function gridOf(
  examples: readonly TokenizedExample[],
  { packing, max_length: maxLength }: ResolvedRunConfig['data'],
): { gridRows: number; rowTokens: number } {
  const lengths = examples.map(({ inputIds }) => inputIds.length);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  if (!packing) return { gridRows: lengths.length, rowTokens: longest };
  const order = lengths.map((_, index) => index);
  return { gridRows: packRows(lengths, order, maxLength).length, rowTokens: maxLength };
}

/** Optimizer steps; an epoch's last step takes what is left, as Hugging Face's Trainer does. */
function countSteps({ training }: ResolvedRunConfig, batchesPerEpoch: number): number {
  if (training.max_steps > 0) return training.max_steps;
  const perEpoch = Math.ceil(batchesPerEpoch / training.gradient_accumulation_steps);
  return Math.ceil(training.num_train_epochs * perEpoch);
}
