/**
 * @file Matrix products. The backend is fast only at plain a b of one matrix (100 times so): everything else is brought to that by
 * transposing, if that is cheaper the other way round as (b^T a^T)^T.
 */
import type { Heap, WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { transpose } from './layout.ts';
import { type OpTable, withTemporaries } from './op-call.ts';

export const PRODUCTS: OpTable = {
  MatMul: ({ heap, inputs, attrs }) => {
    const [a, b] = inputs as [WasmValue, WasmValue];
    return product(heap, a, b, attrs.get('transpose_a') === true, attrs.get('transpose_b') === true);
  },
  BatchMatMulV2: ({ heap, inputs, attrs }) => {
    const [a, b] = inputs as [WasmValue, WasmValue];
    return product(heap, a, b, attrs.get('adj_x') === true, attrs.get('adj_y') === true);
  },
};

/** [..., n, k] x [..., k, m] with equal leading axes. */
function product(heap: Heap, a: WasmValue, b: WasmValue, transposeA: boolean, transposeB: boolean): WasmValue {
  const outer = a.shape.slice(0, -2);
  const matrices = sizeOf(outer);
  const [rows, inner] = lastTwo(a, transposeA);
  const [, columns] = lastTwo(b, transposeB);
  const size = [rows, inner, columns] as const;
  return withTemporaries(heap, (keep) => {
    const left = () => (transposeA ? keep(swapLastTwo(heap, a)) : a);
    if (!transposeB) return multiplyAll(heap, left(), b, [...outer, rows, columns], size, matrices);
    const turnB = inner * columns + (transposeA ? rows * inner : 0);
    const turnRest = rows * columns + (transposeA ? 0 : rows * inner);
    if (turnB <= turnRest) {
      const right = keep(swapLastTwo(heap, b));
      return multiplyAll(heap, left(), right, [...outer, rows, columns], size, matrices);
    }
    const right = transposeA ? a : keep(swapLastTwo(heap, a));
    const turned = multiplyAll(heap, b, right, [...outer, columns, rows], [columns, inner, rows], matrices);
    return swapLastTwo(heap, keep(turned));
  });
}

function lastTwo({ shape }: WasmValue, transposed: boolean): [number, number] {
  const [first, second] = shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}

function swapLastTwo(heap: Heap, x: WasmValue): WasmValue {
  const rank = x.shape.length;
  const order = x.shape.map((_, axis) => axis);
  [order[rank - 2], order[rank - 1]] = [rank - 1, rank - 2];
  return transpose(heap, x, order);
}

function multiplyAll(
  heap: Heap,
  a: WasmValue,
  b: WasmValue,
  shape: readonly number[],
  size: readonly [number, number, number],
  matrices: number,
): WasmValue {
  const out = heap.make('float32', shape);
  for (let at = 0; at < matrices; at += 1) heap.multiply(a, b, out, size, at);
  return out;
}
