/**
 * @file DoRA: the updated weight is normed row by row and rescaled by a trainable magnitude.
 *
 * y = m / ||W + scale B A|| * (x W^T + scale x A^T B^T), the norm taken over each output row and treated as a constant in the
 * backward pass. With dropout the base part is left undropped, as PEFT does. A table E is such a W^T whose input picks a row. Source: Liu et
 * al. 2024 (section 4.3 for the constant norm); PEFT's DoraLinearLayer and DoraEmbeddingLayer.
 */
import { sizeOf } from '../device/dim.ts';
import { embeddingUpdate } from './embedding.ts';
import { type LowRankUpdate, lowRankUpdate, type Parameter } from './linear.ts';
import { matmul } from './matmul.ts';
import * as basics from './basics.ts';
import * as raw from './primitives.ts';
import { detach, differentiable, type Tensor } from './tensor.ts';

export interface DoraOptions {
  /** [tokens, in] */
  readonly x: Tensor;
  /** x W^T, [tokens, out] */
  readonly base: Tensor;
  /** Dropout mask for the update's input. */
  readonly mask: Tensor | null;
  readonly update: LowRankUpdate;
  /** m, [out] */
  readonly magnitude: Parameter;
  /** The frozen W, [out, in]. */
  readonly weight: () => Tensor;
}

/** @returns [tokens, out] without bias. */
export function doraUpdate({ x, base, mask, update, magnitude, weight }: DoraOptions): Tensor {
  const input = mask ? basics.applyMask(x, mask) : x;
  const [sum] = lowRankUpdate(input, [base], [update]);
  return scaleColumns(sum!, magnitude, rowNorms(update, weight));
}

export interface DoraTableOptions {
  /** Rows of E, [...ids, hidden], f32. */
  readonly rows: Tensor;
  readonly ids: Tensor;
  /** A [rank, table rows], B [hidden, rank]. */
  readonly update: LowRankUpdate;
  /** m, [hidden] */
  readonly magnitude: Parameter;
  /** The frozen E, [table rows, hidden]. */
  readonly table: Tensor;
  /** Column of A that learns nothing, null = none. */
  readonly paddingRow: number | null;
}

/** @returns [...ids, hidden], f32 */
export function doraTableUpdate({ rows, ids, update, magnitude, table, paddingRow }: DoraTableOptions): Tensor {
  const sum = embeddingUpdate(rows, ids, update, paddingRow);
  const flat = basics.reshape(sum, [sizeOf(ids.shape), magnitude.leaf.shape[0]!]);
  return basics.reshape(scaleColumns(flat, magnitude, columnNorms(update, table)), rows.shape);
}

/** Values of a table that are worked on at once: 16 MB of f32. */
const TABLE_PART = 2 ** 22;

/** ||E + scale A^T B^T|| per column, f32 [hidden], no gradient; a part of the rows at a time, as a table is large. */
function columnNorms({ a, b, scale }: LowRankUpdate, table: Tensor): Tensor {
  const { runner } = table;
  const [rows, hidden] = table.shape as [number, number];
  const step = Math.max(1, Math.floor(TABLE_PART / hidden));
  const sumOfPart = (first: number): Tensor =>
    runner.scope(
      () => {
        const count = Math.min(step, rows - first);
        const part = raw.cast(raw.sliceAxis(table, 0, first, count), 'float32');
        const narrow = raw.sliceAxis(detach(a.leaf), 1, first, count); // [rank, count]
        const delta = matmul(narrow, detach(b.leaf), { transposeA: true, transposeB: true }); // [count, hidden]
        return raw.sum(raw.square(raw.add(part, raw.multiply(delta, scale))), [0]);
      },
      (sums) => [sums.id],
    );
  return runner.scope(
    () => {
      let total = sumOfPart(0);
      for (let first = step; first < rows; first += step) total = raw.add(total, sumOfPart(first));
      return raw.sqrt(total);
    },
    (norms) => [norms.id],
  );
}

/** ||W + scale B A|| per output row, f32 [out], no gradient. */
function rowNorms({ a, b, scale }: LowRankUpdate, weight: () => Tensor): Tensor {
  const { runner } = a.value;
  return runner.scope(
    () => {
      const delta = raw.multiply(matmul(detach(b.leaf), detach(a.leaf)), scale);
      const full = raw.add(raw.cast(weight(), 'float32'), delta);
      return raw.sqrt(raw.sum(raw.square(full), [1]));
    },
    (norms) => [norms.id],
  );
}

/** y * (m / norms) per column; gradients for y and m. */
function scaleColumns(y: Tensor, magnitude: Parameter, norms: Tensor): Tensor {
  let factor: Tensor;
  const [out] = differentiable(
    y.runner,
    [y, magnitude.leaf],
    (save) => {
      factor = raw.divide(detach(magnitude.leaf), norms);
      save(y, factor, norms);
      return [raw.multiply(y, raw.cast(factor, y.dtype))];
    },
    ([dy]) => {
      const dm = raw.divide(raw.sum(raw.multiply(raw.cast(dy!, 'float32'), raw.cast(y, 'float32')), [0]), norms);
      return [raw.multiply(dy!, raw.cast(factor, y.dtype)), dm];
    },
  );
  return out!;
}
