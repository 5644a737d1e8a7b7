/**
 * @file Rows of an embedding table.
 */
import { sizeOf } from '../device/dim.ts';
import type { Parameter } from './linear.ts';
import * as raw from './primitives.ts';
import { differentiable, type Tensor } from './tensor.ts';

/** Rows of a frozen table as f32. @param table [rows, hidden] @param ids int32, any shape @returns [...ids, hidden] */
export function frozenEmbedding(table: Tensor, ids: Tensor): Tensor {
  return table.runner.scope(
    () => raw.cast(raw.gatherRows(table, ids), 'float32'),
    (result) => [result.id],
  );
}

/** Rows of a trainable table as f32; the gradient is dense, [rows, hidden]. */
export function trainableEmbedding(table: Parameter, ids: Tensor): Tensor {
  const { runner } = ids;
  const [rows, hidden] = table.leaf.shape as [number, number];
  const [out] = differentiable(
    runner,
    [table.leaf],
    (save) => {
      save(ids);
      return [raw.cast(raw.gatherRows(table.leaf, ids), 'float32')];
    },
    ([dy]) => {
      const flatIds = raw.reshape(ids, [sizeOf(ids.shape)]);
      return [raw.scatterAddRows(raw.reshape(dy!, [sizeOf(ids.shape), hidden]), flatIds, rows)];
    },
  );
  return out!;
}

/** Rows of activations: x [rows, hidden] at int32 positions [n]; the gradient adds up where a row was taken twice. */
export function takeRows(x: Tensor, positions: Tensor): Tensor {
  const [out] = differentiable(
    x.runner,
    [x],
    (save) => {
      save(positions);
      return [raw.gatherRows(x, positions)];
    },
    ([dy]) => [raw.cast(raw.scatterAddRows(raw.cast(dy!, 'float32'), positions, x.shape[0]!), x.dtype)],
  );
  return out!;
}
