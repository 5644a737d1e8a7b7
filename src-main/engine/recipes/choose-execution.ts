/**
 * @file What a run decides about its steps by its data and the memory of this machine: checkpointing, pieces of the loss and of attention,
 * expanded copies.
 */
import { WASM_HEAP_BYTES } from '../../../src-shared/domain/memory-model.ts';
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { lengthOf } from '../data/lengths.ts';
import { readFreeMemory } from '../device/free-memory.ts';
import { chooseAttentionParts } from './attention-parts.ts';
import type { Execution } from './execution.ts';
import { proposeFit } from './fit-memory.ts';
import { foldsUpdates } from './fold-updates.ts';
import { fusesChains } from './fuse-chains.ts';
import { precisionOf } from './inference-session.ts';
import { mostLabels } from './measure-loss.ts';
import type { PreparedRun } from './prepare-run.ts';
import { memoryOf } from './run-memory.ts';
import { chooseKeptBytes } from './weight-cache.ts';

/** Share of the free memory that a run may plan with: estimates err, and other programs need some too. */
const MEMORY_SHARE = 0.85;

/** @param mode how the engine runs steps @param options `shards`: as the engine was opened for */
export function chooseExecution(
  run: PreparedRun,
  mode: Execution['mode'],
  memory: PlannedMemory,
  { isGpu = false, shards = 1 } = {},
): Execution {
  const { config, data, opened } = run;
  const { vocabSize } = opened.model.facts;
  const { training } = config;
  const rows = training.per_device_train_batch_size;
  const perRow = config.data.packing ? Math.ceil(config.data.max_length / averageLength(run)) : 1;
  const fused = fusesChains(run, mode, isGpu);
  const precision = precisionOf(config.quantization);
  const chunksOf = (labels: number): number => chooseChunks(Math.ceil(labels / shards), vocabSize, precision.compute);
  return {
    mode,
    checkpointing: memory.checkpointing,
    chunks: chunksOf(Math.min(mostLabels(data.train, rows * perRow), rows * config.data.max_length)),
    eval_chunks: chunksOf(mostLabels(data.eval, training.per_device_eval_batch_size)),
    attention_parts: chooseAttentionParts(longestRow(run), config.data.max_length, { fused, shards }),
    kept_bytes: chooseKeptBytes(memory.peak_bytes - memory.cache_bytes, run.cardBytes),
    folded: foldsUpdates(precision, mode, isGpu),
    fused,
    shards,
  };
}

/** A packed row may hold more, but is no shorter. */
const longestRow = ({ data }: PreparedRun): number =>
  data.train.reduce((longest, example) => Math.max(longest, lengthOf(example)), 0);

const averageLength = ({ data }: PreparedRun): number =>
  Math.max(1, data.train.reduce((sum, example) => sum + lengthOf(example), 0) / data.train.length);

/**
 * The memory of a run as it would be now.
 * @param correction on the estimate, from earlier runs on this machine
 * @param decided checkpointing of a run that is under way; null = not yet decided
 */
export function planMemory(run: PreparedRun, correction = 1, decided: boolean | null = null): PlannedMemory {
  const memory = memoryOf(run);
  const wanted = decided ?? run.config.training.gradient_checkpointing;
  const machine = run.cardBytes ?? machineBytes();
  const addressable = run.isWasm ? WASM_HEAP_BYTES + memory.runtimeBytes * correction : Infinity;
  const available = Math.min(machine, addressable);
  const usable = available * MEMORY_SHARE;
  const peakOf = (checkpointing: boolean): number =>
    memory.estimate({ ...memory.settings, checkpointing }).peak_bytes * correction;
  const checkpointing = wanted === 'auto' ? peakOf(false) > usable : wanted;
  const settings = { ...memory.settings, checkpointing };
  const parts = memory.estimate(settings, chooseKeptBytes(peakOf(checkpointing), run.cardBytes));
  const plain = memory.estimate({ ...settings, checkpointing: false });
  const checkpointed = memory.estimate({ ...settings, checkpointing: true });
  const fits = peakOf(checkpointing) <= usable;
  const isBoundByWasm = available < machine || parts.peak_bytes * correction > addressable;
  return {
    ...parts,
    activation_bytes: plain.activation_bytes,
    checkpointed_activation_bytes: checkpointed.activation_bytes,
    peak_bytes: parts.peak_bytes * correction,
    correction,
    available_bytes: available,
    checkpointing,
    fits,
    ...(isBoundByWasm && { limit: 'wasm' as const }),
    proposal: fits ? null : proposeFit(memory, checkpointing, usable, correction),
  };
}

/** What this process has already is part of its own peak. */
function machineBytes(): number {
  const { freeBytes, limitBytes } = readFreeMemory();
  return Math.min(freeBytes + process.memoryUsage.rss(), limitBytes ?? Infinity);
}
