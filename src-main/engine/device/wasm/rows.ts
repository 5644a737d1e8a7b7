/**
 * @file Rows and elements picked by number, and added up by number.
 */
import type { WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { hostInts, type OpCall, type OpTable } from './op-call.ts';

export const ROWS: OpTable = {
  GatherV2: gather,
  GatherNd: gatherElements,
  TensorScatterUpdate: updateAt,
  UnsortedSegmentSum: segmentSum,
};

function gather(call: OpCall): WasmValue {
  const { heap } = call;
  const [table, indices] = call.inputs as [WasmValue, WasmValue];
  if (hostInts(call, 2)[0] !== 0) throw new Error('internal: the wasm engine gathers along the first axis');
  const width = sizeOf(table.shape.slice(1));
  const out = heap.make(table.dtype, [...indices.shape, ...table.shape.slice(1)]);
  const [from, at, to] = [heap.view(table), heap.ints(indices), heap.view(out)];
  for (let row = 0; row < at.length; row += 1) {
    const begin = at[row]! * width;
    to.set(from.subarray(begin, begin + width), row * width);
  }
  return out;
}

/** Negative numbers are left out. */
function segmentSum(call: OpCall): WasmValue {
  const { heap } = call;
  const [updates, indices] = call.inputs as [WasmValue, WasmValue];
  const shape = [hostInts(call, 2)[0]!, ...updates.shape.slice(indices.shape.length)];
  const width = sizeOf(shape.slice(1));
  const out = heap.make(updates.dtype, shape);
  const [from, at, to] = [heap.view(updates), heap.ints(indices), heap.view(out)];
  to.fill(0);
  for (let row = 0; row < at.length; row += 1) {
    if (at[row]! < 0) continue;
    const [read, write] = [row * width, at[row]! * width];
    for (let i = 0; i < width; i += 1) to[write + i]! += from[read + i]!;
  }
  return out;
}

/** x and places [n, rank of x] -> [n] */
function gatherElements({ heap, inputs }: OpCall): WasmValue {
  const [x, places] = inputs as [WasmValue, WasmValue];
  const offsets = offsetsOf(heap.ints(places), x.shape);
  const out = heap.make(x.dtype, [offsets.length]);
  const [from, to] = [heap.view(x), heap.view(out)];
  offsets.forEach((offset, index) => (to[index] = from[offset]!));
  return out;
}

/** x, places [n, rank of x] and values [n] -> x with the values there. */
function updateAt({ heap, inputs }: OpCall): WasmValue {
  const [x, places, values] = inputs as [WasmValue, WasmValue, WasmValue];
  const offsets = offsetsOf(heap.ints(places), x.shape);
  const out = heap.make(x.dtype, x.shape);
  const [from, news, to] = [heap.view(x), heap.view(values), heap.view(out)];
  to.set(from);
  offsets.forEach((offset, index) => (to[offset] = news[index]!));
  return out;
}

/** Flat places of [n, rank] indices, row after row. */
function offsetsOf(places: Int32Array, shape: readonly number[]): number[] {
  return Array.from({ length: places.length / shape.length }, (_, row) =>
    shape.reduce((offset, size, axis) => offset * size + places[row * shape.length + axis]!, 0),
  );
}
