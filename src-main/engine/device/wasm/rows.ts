/**
 * @file Rows picked by number, and added up by number.
 */
import type { WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { hostInts, type OpCall, type OpTable } from './op-call.ts';

export const ROWS: OpTable = { GatherV2: gather, UnsortedSegmentSum: segmentSum };

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
