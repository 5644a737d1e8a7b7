/**
 * @file How many different shapes the batches of a run have at most. For each one products are prepared, and kernels where steps fuse; both
 * are kept to the end.
 */
import { coarseSize } from '../../../src-shared/domain/coarse-size.ts';
import { roundLength } from '../data/batches.ts';
import { countLabels, lengthOf } from '../data/lengths.ts';
import type { TokenizedExample } from '../data/types.ts';
import type { PreparedRun } from './prepare-run.ts';

export interface BatchShapes {
  /** Rows and their tokens. */
  readonly sizes: number;
  /** Numbers of labels, as they are filled up (loss-inputs.ts). */
  readonly labels: number;
}

/** Of evaluations, which are neither packed nor fused. @param batches of one @param most labels of a batch @param chunks of its loss */
export function boundEvaluated(
  examples: readonly TokenizedExample[],
  { batches, most, chunks }: { batches: number; most: number; chunks: number },
): BatchShapes {
  const sizes = new Set(examples.map((example) => roundLength(lengthOf(example), false))).size;
  return { sizes: Math.min(batches, sizes), labels: Math.min(batches, Math.ceil(most / chunks)) };
}

/**
 * Bounds, not counts: no batch is built.
 * @param most labels of a batch @param chunks that its loss is cut into @param isFused lengths and labels are then rounded up further
 */
export function boundShapes(
  { config, data, totalSteps, opened }: PreparedRun,
  { most, chunks, isFused }: { most: number; chunks: number; isFused: boolean },
): BatchShapes {
  const { packing } = config.data;
  const batches = totalSteps * config.training.gradient_accumulation_steps;
  const lengths = new Set(data.train.map((example) => roundLength(lengthOf(example), isFused))).size;
  // Packed batches differ in their number of rows too, and those of an encoder-decoder in the length of the answers.
  const hasTwo = packing || opened.model.facts.decoderLayers !== undefined;
  const numbers = new Set(data.train.map(countLabels)).size;
  return {
    sizes: Math.min(batches, lengths * (hasTwo ? 2 : 1)),
    labels: numbers === 1 && !packing ? 1 : Math.min(batches, countNumbers(Math.ceil(most / chunks), isFused)),
  };
}

/** Labels of a piece are filled up where steps fuse. */
function countNumbers(most: number, isFused: boolean): number {
  return isFused ? new Set(Array.from({ length: most }, (_, index) => coarseSize(index + 1))).size : most;
}
