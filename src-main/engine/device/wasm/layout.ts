/**
 * @file Ops that move elements and compute nothing. All are loops: the backend's own kernels walk single elements.
 */
import type { Heap, WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { hostInts, type OpCall, type OpTable } from './op-call.ts';

export const LAYOUT: OpTable = {
  Reshape: (call) => call.heap.share(call.inputs[0]!, shapeFor(call.inputs[0]!, hostInts(call, 1))),
  Transpose: (call) => transpose(call.heap, call.inputs[0]!, hostInts(call, 1)),
  ConcatV2: concat,
  SplitV: (call) => cut(call, call.inputs[0]!, hostInts(call, 1), hostInts(call, 2)[0]!),
  Split: (call) => {
    const [axisValue] = hostInts(call, 0) as [number];
    const x = call.inputs[1]!;
    const pieces = call.attrs.get('num_split') as number;
    const size = x.shape[positive(axisValue, x.shape.length)]! / pieces;
    return cut(call, x, new Array<number>(pieces).fill(size), axisValue);
  },
  Slice: slice,
  ReverseV2: reverse,
  Pack: pack,
  Fill: fill,
  Range: (call) => {
    const [start, limit, step] = [0, 1, 2].map((index) => hostInts(call, index)[0]!) as [number, number, number];
    const count = Math.max(0, Math.ceil((limit - start) / step));
    return call.heap.put(
      Int32Array.from({ length: count }, (_, i) => start + i * step),
      'int32',
      [count],
    );
  },
};

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function shapeFor(x: WasmValue, shape: readonly number[]): number[] {
  const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  return shape.map((size) => (size === -1 ? sizeOf(x.shape) / known : size));
}

/** Sizes before, at and after an axis. */
function around(shape: readonly number[], axis: number): [outer: number, size: number, inner: number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
}

const withAxis = (shape: readonly number[], axis: number, size: number): number[] =>
  shape.map((other, index) => (index === axis ? size : other));

function concat(call: OpCall): WasmValue {
  const { heap, inputs } = call;
  const parts = inputs.slice(0, -1);
  const [first] = parts as [WasmValue];
  const axis = positive(hostInts(call, parts.length)[0]!, first.shape.length);
  const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const out = heap.make(first.dtype, withAxis(first.shape, axis, total));
  const to = heap.view(out);
  const [outer, , inner] = around(out.shape, axis);
  let begin = 0;
  for (const part of parts) {
    const width = part.shape[axis]! * inner;
    copyBlocks(heap.view(part), to, { count: outer, width, from: [0, width], to: [begin, total * inner] });
    begin += width;
  }
  return out;
}

function cut({ heap }: OpCall, x: WasmValue, sizes: readonly number[], axisValue: number): WasmValue[] {
  const axis = positive(axisValue, x.shape.length);
  const [outer, total, inner] = around(x.shape, axis);
  const rest = total - sizes.reduce((sum, size) => sum + Math.max(0, size), 0);
  const pieces = sizes.map((size) => heap.make(x.dtype, withAxis(x.shape, axis, size === -1 ? rest : size)));
  let begin = 0;
  for (const piece of pieces) {
    const width = piece.shape[axis]! * inner;
    copyBlocks(heap.view(x), heap.view(piece), {
      count: outer,
      width,
      from: [begin, total * inner],
      to: [0, width],
    });
    begin += width;
  }
  return pieces;
}

interface Blocks {
  readonly count: number;
  /** Elements of a block. */
  readonly width: number;
  /** First element, and elements from one block to the next. */
  readonly from: readonly [begin: number, step: number];
  readonly to: readonly [begin: number, step: number];
}

type Elements = ReturnType<Heap['view']>;

/** Blocks shorter than this are copied element by element. */
const SHORT = 16;

function copyBlocks(source: Elements, target: Elements, { count, width, from, to }: Blocks): void {
  let [read, write] = [from[0], to[0]];
  for (let block = 0; block < count; block += 1) {
    if (width < SHORT) for (let i = 0; i < width; i += 1) target[write + i] = source[read + i]!;
    else target.set(source.subarray(read, read + width), write);
    read += from[1];
    write += to[1];
  }
}

function slice(call: OpCall): WasmValue {
  const { heap } = call;
  const [x] = call.inputs as [WasmValue];
  const begins = hostInts(call, 1);
  const sizes = hostInts(call, 2).map((size, axis) => (size === -1 ? x.shape[axis]! - begins[axis]! : size));
  let current = heap.share(x);
  for (const [axis, size] of sizes.entries()) {
    if (size === current.shape[axis]) continue;
    const [outer, total, inner] = around(current.shape, axis);
    const next = heap.make(x.dtype, withAxis(current.shape, axis, size));
    const blocks = { count: outer, width: size * inner };
    const from = [begins[axis]! * inner, total * inner] as const;
    copyBlocks(heap.view(current), heap.view(next), { ...blocks, from, to: [0, size * inner] });
    heap.free(current);
    current = next;
  }
  return current;
}

function reverse(call: OpCall): WasmValue {
  const { heap } = call;
  const [x] = call.inputs as [WasmValue];
  const axes = hostInts(call, 1);
  if (axes.length !== 1) throw new Error('internal: the wasm engine reverses one axis at a time');
  const [outer, size, inner] = around(x.shape, positive(axes[0]!, x.shape.length));
  const out = heap.make(x.dtype, x.shape);
  const [from, to] = [heap.view(x), heap.view(out)];
  for (let i = 0; i < size; i += 1) {
    const step = size * inner;
    const [read, write] = [i * inner, (size - 1 - i) * inner];
    copyBlocks(from, to, { count: outer, width: inner, from: [read, step], to: [write, step] });
  }
  return out;
}

/** Along a new first axis. */
function pack({ heap, inputs, attrs }: OpCall): WasmValue {
  if (attrs.get('axis') !== 0) throw new Error('internal: the wasm engine packs along the first axis');
  const [first] = inputs as [WasmValue];
  const out = heap.make(first.dtype, [inputs.length, ...first.shape]);
  const to = heap.view(out);
  inputs.forEach((part, index) => to.set(heap.view(part), index * sizeOf(first.shape)));
  return out;
}

function fill(call: OpCall): WasmValue {
  const { heap, inputs } = call;
  const value = inputs[1]!;
  const out = heap.make(value.dtype, hostInts(call, 0));
  heap.view(out).fill(heap.view(value)[0]!);
  return out;
}

/** Axis `i` of the result is axis `order[i]` of x. */
export function transpose(heap: Heap, x: WasmValue, order: readonly number[]): WasmValue {
  const shape = order.map((axis) => x.shape[axis]!);
  const plan = simplify(x.shape, order);
  if (plan.order.every((axis, index) => axis === index)) return heap.share(x, shape);
  const out = heap.make(x.dtype, shape);
  const [from, to] = [heap.view(x), heap.view(out)];
  const rank = plan.order.length;
  const isSwap = plan.order[rank - 1] === rank - 2 && plan.order[rank - 2] === rank - 1;
  if (isSwap && plan.order.slice(0, -2).every((axis, index) => axis === index)) {
    const [rows, columns] = plan.shape.slice(-2) as [number, number];
    const matrices = sizeOf(plan.shape.slice(0, -2));
    for (let matrix = 0; matrix < matrices; matrix += 1) swapAxes(from, to, matrix * rows * columns, rows, columns);
  } else moveAxes(from, to, plan);
  return out;
}

interface AxisPlan {
  readonly shape: readonly number[];
  readonly order: readonly number[];
}

/** The same move with fewer axes: those of size 1 dropped, those that stay neighbours joined. */
function simplify(shape: readonly number[], order: readonly number[]): AxisPlan {
  const groups: number[][] = [];
  for (const axis of order.filter((candidate) => shape[candidate] !== 1)) {
    const last = groups.at(-1);
    const isNext =
      last && range(last.at(-1)! + 1, axis).every((between) => shape[between] === 1) && last.at(-1)! < axis;
    if (isNext) last.push(axis);
    else groups.push([axis]);
  }
  const inSource = [...groups].sort((a, b) => a[0]! - b[0]!);
  return {
    shape: inSource.map((group) => group.reduce((product, axis) => product * shape[axis]!, 1)),
    order: groups.map((group) => inSource.indexOf(group)),
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Edge of the tiles that a matrix is transposed by, so that reads and writes stay in the cache. */
const TILE = 16;

function swapAxes(from: Elements, to: Elements, at: number, rows: number, columns: number): void {
  for (let row0 = 0; row0 < rows; row0 += TILE) {
    const rowEnd = Math.min(rows, row0 + TILE);
    for (let column0 = 0; column0 < columns; column0 += TILE) {
      const columnEnd = Math.min(columns, column0 + TILE);
      for (let column = column0; column < columnEnd; column += 1) {
        const write = at + column * rows;
        for (let row = row0; row < rowEnd; row += 1) to[write + row] = from[at + row * columns + column]!;
      }
    }
  }
}

function moveAxes(from: Elements, to: Elements, { shape, order }: AxisPlan): void {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const [length, step] = [sizes.at(-1)!, steps.at(-1)!];
  const index = new Array<number>(sizes.length - 1).fill(0);
  let read = 0;
  for (let write = 0; write < to.length; write += length) {
    if (step === 1) copyBlocks(from, to, { count: 1, width: length, from: [read, 0], to: [write, 0] });
    else for (let i = 0; i < length; i += 1) to[write + i] = from[read + i * step]!;
    for (let axis = index.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      read += steps[axis]!;
      if (index[axis]! < sizes[axis]!) break;
      read -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
}
