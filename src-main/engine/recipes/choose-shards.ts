/**
 * @file Into how many shards the batches of a run are cut (steps/sharded-task.ts), each of which one core computes.
 */
import { usableThreads } from '../device/threads.ts';
import { planWeights, type WeightPlan } from '../weights/plan.ts';
import { countValues } from '../weights/trainables.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { precisionOf } from './inference-session.ts';
import type { PreparedRun } from './prepare-run.ts';
import { chooseKeptBytes } from './weight-cache.ts';

/** Measured with two; each more makes the graph that much longer. */
const MOST_SHARDS = 4;
/** Trained values for each that is not: gradients of all of a model would be there once a shard. */
const TRAINED_SHARE = 0.1;

/**
 * As many as there are cores to use, or 1: where a card computes or the engine without TensorFlow, where there are fewer rows than cores, where
 * much of the model is trained, for classifiers (a row of padding would count), and where quantized weights are expanded for each product.
 */
export function chooseShards(run: PreparedRun, memory: PlannedMemory, threads = usableThreads()): number {
  const precision = precisionOf(run.config.quantization);
  const trained = new Set(run.peft.trainables.map(({ name }) => name));
  const keptBytes = chooseKeptBytes(memory.peak_bytes - memory.cache_bytes, run.cardBytes);
  const plan = planWeights(run.opened.model, { ...precision, trained, keptBytes });
  return shardsOf(run, plan, run.config.training.per_device_train_batch_size, threads);
}

/** The same for weights that are kept so, and batches of so many rows. */
export function shardsOf(run: PreparedRun, plan: WeightPlan, rows: number, threads = usableThreads()): number {
  const { isWasm, cardBytes, task } = run;
  const isCompiled = process.env['TUNESMITH_EXECUTION'] !== 'eager';
  if (isWasm || cardBytes !== null || !isCompiled || task.type === 'SEQ_CLS') return 1;
  if (threads > MOST_SHARDS || rows < threads) return 1;
  return trainsFew(run) && hasAllWeights(plan) ? threads : 1;
}

const trainsFew = ({ opened, peft }: PreparedRun): boolean =>
  countValues(peft.trainables) <= TRAINED_SHARE * countValues(opened.model.weights);

/** Whether no weight is expanded in a step. */
const hasAllWeights = ({ matrices }: WeightPlan): boolean =>
  matrices.every(({ kind, kept }) => kept || (kind !== 'int8' && kind !== 'nf4'));
