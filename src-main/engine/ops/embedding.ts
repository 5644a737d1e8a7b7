/**
 * @file Rows of an embedding table, and the low-rank update of one.
 */
import { sizeOf } from '../device/dim.ts';
import type { LowRankUpdate, Parameter } from './linear.ts';
import { matmul } from './matmul.ts';
import * as raw from './primitives.ts';
import { differentiable, needsGradient, type Tensor } from './tensor.ts';

/** Rows of a frozen table as f32. @param table [rows, hidden] @param ids int32, any shape @returns [...ids, hidden] */
export function frozenEmbedding(table: Tensor, ids: Tensor): Tensor {
  return table.runner.scope(
    () => raw.cast(raw.gatherRows(table, ids), 'float32'),
    (result) => [result.id],
  );
}

/**
 * Rows of a trainable table as f32; the gradient is dense, [rows, hidden].
 * @param paddingRow row that learns nothing, null = none
 */
export function trainableEmbedding(table: Parameter, ids: Tensor, paddingRow: number | null): Tensor {
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
      const flat = raw.reshape(dy!, [sizeOf(ids.shape), hidden]);
      return [raw.scatterAddRows(clearPadding(flat, flatIds, paddingRow), flatIds, rows)];
    },
  );
  return out!;
}

/** Rows of a gradient with those of the padding row's ids set to zero. @param grad [ids, width], f32 */
function clearPadding(grad: Tensor, ids: Tensor, paddingRow: number | null): Tensor {
  if (paddingRow === null) return grad;
  const isWord = raw.cast(raw.compare('NotEqual', ids, paddingRow), 'float32');
  return raw.multiply(grad, raw.reshape(isWord, [grad.shape[0]!, 1]));
}

/**
 * Adds to rows of a table E those of its update: E^T + diag(s) scale B A, in f32. Source: PEFT's lora.Embedding (0.21).
 * @param rows [...ids, hidden], f32
 * @param ids int32, any shape
 * @param update A [rank, table rows], B [hidden, rank]
 * @param paddingRow column of A that learns nothing, null = none
 */
export function embeddingUpdate(
  rows: Tensor,
  ids: Tensor,
  { a, b, s, scale }: LowRankUpdate,
  paddingRow: number | null,
): Tensor {
  const size = a.leaf.shape[1] as number;
  const hidden = b.leaf.shape[0] as number;
  const count = sizeOf(ids.shape);
  const outputs = s ? raw.reshape(s.leaf, [hidden, 1]) : null;
  const scaled = (x: Tensor): Tensor => raw.multiply(outputs ? raw.multiply(x, outputs) : x, scale);
  const [out] = differentiable(
    rows.runner,
    [rows, a.leaf, b.leaf, ...(s ? [s.leaf] : [])],
    (save) => {
      save(ids);
      const narrow = raw.gatherRows(raw.transpose(a.leaf, [1, 0]), raw.reshape(ids, [count])); // [ids, rank]
      const wide = matmul(narrow, scaled(b.leaf), { transposeB: true });
      return [raw.add(rows, raw.reshape(wide, rows.shape))];
    },
    ([dy]) => {
      const flatIds = raw.reshape(ids, [count]);
      const flat = raw.reshape(dy!, [count, hidden]);
      const narrow = raw.gatherRows(raw.transpose(a.leaf, [1, 0]), flatIds);
      const raised = matmul(flat, narrow, { transposeA: true }); // gradient of diag(s) scale B, [hidden, rank]
      const back = matmul(flat, scaled(b.leaf)); // [ids, rank]
      const learnt = clearPadding(back, flatIds, paddingRow);
      const da = raw.transpose(raw.scatterAddRows(learnt, flatIds, size), [1, 0]); // [rank, size]
      const ds = s ? [raw.multiply(raw.sum(raw.multiply(raised, b.leaf), [1]), scale)] : [];
      return [needsGradient(rows) ? dy! : null, da, scaled(raised), ...ds];
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
