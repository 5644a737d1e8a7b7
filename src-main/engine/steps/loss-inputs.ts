/**
 * @file Labels of a batch, filled up so that the loss can be cut into a fixed number of chunks.
 */
import { coarseSize } from '../../../src-shared/domain/coarse-size.ts';
import type { Sizes } from '../compile/program.ts';
import { symbol } from '../device/dim.ts';
import type { Arrays, Specs } from './token-inputs.ts';

const LABELS = symbol('labels');

export const LABEL_SPECS: Specs = {
  label_positions: { dtype: 'int32', shape: [LABELS] },
  label_ids: { dtype: 'int32', shape: [LABELS] },
  label_weights: { dtype: 'float32', shape: [LABELS] },
  loss_scale: { dtype: 'float32', shape: [] },
};

export interface LabelArrays {
  readonly labelPositions: Int32Array;
  readonly labelIds: Int32Array;
}

interface LabelOptions {
  readonly chunks: number;
  readonly coarse?: boolean;
  readonly atLeast?: number | undefined;
}

/**
 * @param scale factor on the summed loss: 1 / (labels of all batches of one optimizer step)
 * @param options `chunks`: the number the step was made for; `coarse`: fill up to one of few numbers of rows, by an eighth at most but for the
 *   smallest; `atLeast`: as many as if there were so many labels
 */
export function labelArrays(
  { labelPositions, labelIds }: LabelArrays,
  scale: number,
  { chunks, coarse = false, atLeast = 0 }: LabelOptions,
): { arrays: Arrays; sizes: Sizes } {
  const rows = Math.max(1, Math.ceil(Math.max(atLeast, labelIds.length) / chunks));
  const labels = (coarse ? coarseSize(rows) : rows) * chunks;
  const positions = new Int32Array(labels);
  const ids = new Int32Array(labels);
  const weights = new Float32Array(labels);
  positions.set(labelPositions);
  ids.set(labelIds);
  weights.fill(1, 0, labelIds.length);
  return {
    arrays: { label_positions: positions, label_ids: ids, label_weights: weights, loss_scale: Float32Array.of(scale) },
    sizes: { labels },
  };
}
