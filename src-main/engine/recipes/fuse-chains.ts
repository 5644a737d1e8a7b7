/**
 * @file Whether a run's training steps fuse what is between their products (ops/fused.ts).
 *
 * Each size of batch costs the time to compile its kernels, the same for small models and large ones; each step gives back time in
 * proportion to the values that it reads and writes. So it pays where sizes repeat often enough; later runs of the same sizes find the
 * kernels on disk (device/kernel-cache.ts). On a graphics card it was not measured.
 */
import { buildBatch } from '../data/batches.ts';
import type { ModelFacts } from '../models/model.ts';
import type { Execution } from './execution.ts';
import { makeSampler, type PreparedRun } from './prepare-run.ts';

/** Seconds that the kernels of one size take to compile: 14 kernels of the 135M shape took 0.5 to 0.7 (test/bench/LOG.md). */
const COMPILE_SECONDS = 0.7;
/** Seconds that a value between products becomes cheaper by, and that starting a layer's kernels takes. */
const VALUE_SECONDS = 1.2e-9;
const LAYER_SECONDS = 1e-3;
/** Values between the products of a layer, in hidden and MLP widths, forward and backward. */
const HIDDEN_VALUES = 10;
const MLP_VALUES = 4;
/** Batches whose sizes are looked at. */
const MOST_BATCHES = 512;

/** Kernels of a size take 3 to 4 MB and are never given back. */
const MOST_SIZES = 40;

/** TUNESMITH_EXECUTION=fused or =plain decides instead: to tell a fault of the kernels from one of the graph. */
export function fusesChains(run: PreparedRun, mode: Execution['mode'], isGpu: boolean): boolean {
  if (mode === 'eager' || isGpu) return false;
  const asked = process.env['TUNESMITH_EXECUTION'];
  if (asked === 'fused' || asked === 'plain') return asked === 'fused';
  const { config, totalSteps, opened } = run;
  const batches = totalSteps * config.training.gradient_accumulation_steps;
  const looked = batchesAhead(run, Math.min(batches, MOST_BATCHES));
  const sizes = expectedSizes(
    looked.map(({ key }) => key),
    batches,
  );
  const gain = looked.reduce((sum, { tokens }) => sum + gainOf(opened.model.facts, tokens), 0) / looked.length;
  return sizes <= MOST_SIZES && gain * batches > COMPILE_SECONDS * sizes;
}

/** Different keys among so many batches, if new ones go on coming as they did in the second half of those that were looked at. */
function expectedSizes(looked: readonly string[], batches: number): number {
  const half = Math.floor(looked.length / 2);
  const sizes = new Set(looked).size;
  const rate = (sizes - new Set(looked.slice(0, half)).size) / Math.max(1, looked.length - half);
  return sizes + rate * (batches - looked.length);
}

/** Seconds a batch. @param tokens padding included */
export function gainOf({ layers, hiddenSize, intermediateSize }: ModelFacts, tokens: number): number {
  const values = tokens * (HIDDEN_VALUES * hiddenSize + MLP_VALUES * intermediateSize);
  return layers * (VALUE_SECONDS * values - LAYER_SECONDS);
}

/** Sizes of the first batches. */
function batchesAhead({ config, data, task }: PreparedRun, count: number): { key: string; tokens: number }[] {
  const sampler = makeSampler(data.train, config);
  const batching = { ...task.batching, maxLength: config.data.max_length, coarse: true };
  return Array.from({ length: count }, () => {
    const { batch, seq, decoder } = buildBatch(data.train, sampler.next().rows, batching);
    return { key: `${batch}x${seq}+${decoder?.seq ?? 0}`, tokens: batch * (seq + (decoder?.seq ?? 0)) };
  });
}
