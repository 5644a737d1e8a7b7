/**
 * @file The memory of a prepared run: its sizes for the estimate, with its own settings or with others that would need less.
 */
import {
  type BatchNeed,
  type EvaluationNeed,
  estimateMemory,
  type MemoryNeed,
  type MemoryParts,
  mlpWidthOf,
  runtimeBytes,
} from '../../../src-shared/domain/estimate-memory.ts';
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import { roundLength } from '../data/batches.ts';
import { countLabels, lengthOf, longestOf } from '../data/lengths.ts';
import type { TokenizedExample } from '../data/types.ts';
import type { FloatDType } from '../device/dtype.ts';
import { planWeights, type WeightPlan } from '../weights/plan.ts';
import { countValues } from '../weights/trainables.ts';
import { boundEvaluated, boundShapes } from './batch-shapes.ts';
import { foldsUpdates } from './fold-updates.ts';
import { fusesChains } from './fuse-chains.ts';
import { precisionOf } from './inference-session.ts';
import { largestPackedGrid, MOST_EXAMPLES } from './largest-rows.ts';
import { shardsOf } from './choose-shards.ts';
import { mostLabels } from './measure-loss.ts';
import type { PreparedRun } from './prepare-run.ts';

/** The settings that memory depends on. */
export interface MemorySettings {
  readonly per_device_train_batch_size: number;
  readonly per_device_eval_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly max_length: number;
  readonly method: QuantizationConfig['method'];
  readonly checkpointing: boolean;
}

export interface RunMemory {
  /** As the run would be now. */
  readonly settings: Omit<MemorySettings, 'checkpointing'>;
  /** Storages that would take less, from large to small, the present one first; trained weights cannot be quantized. */
  readonly methods: readonly QuantizationConfig['method'][];
  /** What Node and the engine take by themselves, whatever the settings. */
  readonly runtimeBytes: number;
  /**
   * Whether steps fuse is decided once, for the run as it is. With rows of other sizes a run that fuses might not, so then what takes more
   * counts; one that does not would do so no sooner with smaller batches.
   * @param keptBytes most bytes of expanded copies of quantized weights
   */
  estimate(settings: MemorySettings, keptBytes?: number): MemoryParts;
}

const METHODS: readonly QuantizationConfig['method'][] = ['none', 'bf16', 'int8', 'nf4'];

export function memoryOf(run: PreparedRun): RunMemory {
  const { config, data, opened, peft, isWasm } = run;
  const { model } = opened;
  const { training, quantization } = config;
  const { facts } = model;
  const trained = new Set(peft.trainables.map(({ name }) => name));
  const ownWeights = new Set(model.weights.map(({ name }) => name));
  const trainedValues = countValues(peft.trainables);
  const trainedWeights = countValues(peft.trainables.filter(({ name }) => ownWeights.has(name)));
  const adapterWidth = adapterWidthOf(model);
  const mlpWidth = mlpWidthOf(
    model.linears.map(({ inFeatures, outFeatures }) => ({ inFeatures, outFeatures, count: 1 })),
    facts.intermediateSize,
    facts.layers,
  );
  const sizes = sizesOf(data.train);
  const offered = isWasm ? 1 : config.peft.peft_type === 'NONE' ? 2 : METHODS.length;
  const storages = METHODS.slice(0, offered);
  const isFused = fusesChains(run, isWasm ? 'eager' : 'compiled', run.cardBytes !== null);
  return {
    runtimeBytes: runtimeBytes(facts),
    methods: storages.slice(Math.max(0, storages.indexOf(quantization.method))),
    settings: {
      per_device_train_batch_size: training.per_device_train_batch_size,
      per_device_eval_batch_size: training.per_device_eval_batch_size,
      gradient_accumulation_steps: training.gradient_accumulation_steps,
      max_length: config.data.max_length,
      method: quantization.method,
    },
    estimate(settings, keptBytes = 0) {
      const precision = precisionOf({ ...quantization, method: settings.method });
      const plan = planWeights(model, {
        ...precision,
        trained,
        keptBytes,
        folded: foldsUpdates(precision, 'compiled', run.cardBytes !== null),
      });
      const shards = shardsOf(run, plan, settings.per_device_train_batch_size);
      const needOf = (fuses: boolean): MemoryNeed => ({
        facts: { ...facts, mlpWidth },
        weightBytes: plan.bytes,
        keptBytes: plan.keptBytes,
        expandedValues: settings.method === 'nf4' ? largestExpanded(plan) : 0,
        trainedValues,
        trainedWeights,
        adapterWidth,
        optim: training.optim,
        compute: precision.compute,
        isWasm,
        isFused: fuses,
        checkpointing: settings.checkpointing,
        training: trainingNeed(run, sizes, settings, { fuses, shards, compute: precision.compute }),
        evaluation: evaluationNeed(run, settings, { shards, compute: precision.compute }),
      });
      const parts = estimateMemory(needOf(isFused));
      if (!isFused || hasSizesOf(run, settings)) return parts;
      const plain = estimateMemory(needOf(false));
      return plain.peak_bytes > parts.peak_bytes ? plain : parts;
    },
  };
}

/** Batches are as large as the run's own. */
const hasSizesOf = ({ config: { training, data } }: PreparedRun, settings: MemorySettings): boolean =>
  settings.per_device_train_batch_size === training.per_device_train_batch_size &&
  settings.max_length === data.max_length;

/** Of examples, in tokens. */
interface ExampleSizes {
  readonly longest: number;
  /** So many that no batch holds more. */
  readonly longestFirst: readonly number[];
  readonly average: number;
  readonly isVaried: boolean;
}

function sizesOf(examples: readonly TokenizedExample[]): ExampleSizes {
  const lengths = examples.map(lengthOf);
  return {
    longest: longestOf(examples),
    longestFirst: [...Float64Array.from(lengths).sort().reverse().slice(0, MOST_EXAMPLES)],
    average: Math.max(1, lengths.reduce((sum, length) => sum + length, 0) / lengths.length),
    isVaried: new Set(lengths).size > 1 || new Set(examples.map(countLabels)).size > 1,
  };
}

interface StepChoices {
  readonly shards: number;
  readonly compute: FloatDType;
}

function trainingNeed(
  run: PreparedRun,
  { longest, longestFirst, average, isVaried }: ExampleSizes,
  { per_device_train_batch_size: most, max_length: maxLength }: MemorySettings,
  { fuses: isFused, shards, compute }: StepChoices & { fuses: boolean },
): BatchNeed {
  const { config, data, opened, task } = run;
  // No batch has more rows than there are.
  const batch = Math.min(most, data.train.length);
  const { tokenCost } = task.batching;
  const grid =
    config.data.packing && tokenCost !== undefined
      ? largestPackedGrid(longestFirst, { batch, maxLength, tokenCost })
      : { batch, rowTokens: longest };
  const perRow = config.data.packing ? Math.ceil(maxLength / average) : 1;
  const labels = Math.min(mostLabels(data.train, batch * perRow), grid.batch * Math.min(grid.rowTokens, maxLength));
  // Of each shard: as many are there at once as there are shards.
  const chunks = chooseChunks(Math.ceil(labels / shards), opened.model.facts.vocabSize, compute);
  // Elsewhere shapes were not measured.
  const isMeasured = !run.isWasm && run.cardBytes === null;
  const shapes = isMeasured ? { shapes: boundShapes(run, { most: labels, chunks, isFused }) } : {};
  const rowTokens = Math.min(roundLength(grid.rowTokens, isFused), maxLength);
  return { ...grid, rowTokens, labels, chunks, isVaried, ...shapes };
}

/** Held-out rows are read as they are, without packing. */
function evaluationNeed(
  { config, data, opened, task }: PreparedRun,
  { per_device_eval_batch_size: most, max_length: maxLength }: MemorySettings,
  { shards, compute }: StepChoices,
): EvaluationNeed | null {
  if (data.eval.length === 0) return null;
  const batch = Math.min(most, data.eval.length);
  const { longest, isVaried } = sizesOf(data.eval);
  const rowTokens = Math.min(longest, maxLength);
  const labels = Math.min(mostLabels(data.eval, batch), batch * rowTokens);
  const { training, data: settings } = config;
  const asked = { prompts: training.sample_prompts, examples: data.eval, template: settings.template };
  const chunks = chooseChunks(Math.ceil(labels / shards), opened.model.facts.vocabSize, compute);
  const batches = Math.ceil(data.eval.length / batch);
  return {
    ...{ batch, rowTokens, labels, chunks, isVaried },
    shapes: boundEvaluated(data.eval, { batches, most: labels, chunks }),
    answers: task.sizeOfSamples(asked),
  };
}

/** Values of the largest matrix of which no expanded copy is kept. */
function largestExpanded({ matrices }: WeightPlan): number {
  const sizes = matrices
    .filter(({ kind, kept }) => kind === 'nf4' && !kept)
    .map(({ members, columns }) => members.reduce((rows, member) => rows + member.rows, 0) * columns);
  return Math.max(0, ...sizes);
}

/** Values that the adapters of a layer keep for each token, as measured: with DoRA results of a linear, with dropout its input. */
function adapterWidthOf({ linears, facts }: PreparedRun['opened']['model']): number {
  const total = linears.reduce((sum, { update, inFeatures, outFeatures }) => {
    if (update === null) return sum;
    return sum + (update.dora ? 1.1 * outFeatures : 0) + (update.dropout > 0 ? 0.75 * inFeatures : 0);
  }, 0);
  return total / facts.layers;
}
