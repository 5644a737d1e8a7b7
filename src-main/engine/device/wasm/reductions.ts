/**
 * @file Sums, means and maxima over axes; softmax and its loss; the place of the largest value.
 */
import type { Heap, WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { transpose } from './layout.ts';
import { hostInts, type OpCall, type OpTable, withTemporaries } from './op-call.ts';

interface Reduction {
  readonly start: number;
  readonly add: (total: number, value: number) => number;
  readonly finish: (total: number, count: number) => number;
}

const plus = (total: number, value: number): number => total + value;
const same = (total: number): number => total;

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  Sum: { start: 0, add: plus, finish: same },
  Mean: { start: 0, add: plus, finish: (total, count) => total / count },
  Max: { start: -Infinity, add: (total, value) => (value > total ? value : total), finish: same },
  Min: { start: Infinity, add: (total, value) => (value < total ? value : total), finish: same },
};

export const REDUCE: OpTable = {
  ...Object.fromEntries(
    Object.entries(REDUCTIONS).map(([name, reduction]) => [name, (call: OpCall) => reduce(call, reduction)]),
  ),
  Softmax: ({ heap, inputs }) => softmax(heap, inputs[0]!),
  TopKV2: largest,
};

function reduce(call: OpCall, reduction: Reduction): WasmValue {
  const { heap } = call;
  const [x] = call.inputs as [WasmValue];
  const rank = x.shape.length;
  const axes = new Set(hostInts(call, 1).map((axis) => (axis < 0 ? axis + rank : axis)));
  const keepDims = call.attrs.get('keep_dims') === true;
  const shape = keepDims
    ? x.shape.map((size, axis) => (axes.has(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.has(axis));
  return withTemporaries(heap, (keep) => {
    const reduced = [...axes].sort((a, b) => a - b);
    const [first, last] = [reduced[0] ?? rank, reduced.at(-1) ?? rank - 1];
    const isOneRun = last - first + 1 === reduced.length;
    if (isOneRun) {
      const [outer, inner] = [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(last + 1))];
      return reduceMiddle(heap, x, [outer, sizeOf(x.shape.slice(first, last + 1)), inner], shape, reduction);
    }
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.has(axis));
    const turned = keep(transpose(heap, x, [...kept, ...reduced]));
    const outer = sizeOf(kept.map((axis) => x.shape[axis]!));
    return reduceMiddle(heap, turned, [outer, sizeOf(x.shape) / outer, 1], shape, reduction);
  });
}

/** Totals are kept in f64. */
function reduceMiddle(
  heap: Heap,
  x: WasmValue,
  [outer, count, inner]: readonly [number, number, number],
  shape: readonly number[],
  { start, add, finish }: Reduction,
): WasmValue {
  const out = heap.make(x.dtype, shape);
  const [from, to] = [heap.view(x), heap.view(out)];
  const totals = new Float64Array(inner);
  for (let block = 0; block < outer; block += 1) {
    totals.fill(start);
    const begin = block * count * inner;
    if (inner === 1) {
      let total = start;
      for (let i = 0; i < count; i += 1) total = add(total, from[begin + i]!);
      totals[0] = total;
    } else {
      for (let row = 0; row < count; row += 1) {
        const at = begin + row * inner;
        for (let i = 0; i < inner; i += 1) totals[i] = add(totals[i]!, from[at + i]!);
      }
    }
    for (let i = 0; i < inner; i += 1) to[block * inner + i] = finish(totals[i]!, count);
  }
  return out;
}

function softmax(heap: Heap, logits: WasmValue): WasmValue {
  return heap.run('Softmax', { logits }, { dim: logits.shape.length - 1 });
}

/** The largest value of each row and its place; of more than one, which nothing asks for, it knows nothing. */
function largest(call: OpCall): WasmValue[] {
  const { heap } = call;
  const [x] = call.inputs as [WasmValue];
  if (hostInts(call, 1)[0] !== 1) throw new Error('internal: TopKV2 of more than one value');
  const width = x.shape.at(-1)!;
  const shape = [...x.shape.slice(0, -1), 1];
  const [values, places] = [heap.make(x.dtype, shape), heap.make('int32', shape)];
  const [from, to, at] = [heap.view(x), heap.view(values), heap.view(places)];
  for (let row = 0; row < at.length; row += 1) {
    let best = 0;
    for (let i = 1; i < width; i += 1) if (from[row * width + i]! > from[row * width + best]!) best = i;
    at[row] = best;
    to[row] = from[row * width + best]!;
  }
  return [values, places];
}
