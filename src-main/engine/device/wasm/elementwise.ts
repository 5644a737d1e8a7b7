/**
 * @file Ops on single elements. The backend's kernels where they are vectorized; loops where it has none, or slow ones.
 */
import { type DType } from '../dtype.ts';
import { broadcastShape, forEachRun } from './broadcasting.ts';
import type { Heap, View, WasmValue } from './heap.ts';
import { sizeOf } from './heap.ts';
import { dtypeOf, type Op, type OpCall, type OpTable } from './op-call.ts';

/** TensorFlow's name -> the backend's, of one input `x`. */
const UNARY: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...['Square', 'Rsqrt', 'Sqrt', 'Exp', 'Log', 'Sigmoid', 'Tanh', 'Neg', 'Relu', 'Erf', 'Softplus', 'Abs', 'Sign'],
    ...['Reciprocal', 'Cos', 'Sin'],
  ].map((name) => [name, name]),
);
/** Vectorized with any broadcasting, f32. */
const FAST_BINARY: Readonly<Record<string, string>> = { AddV2: 'Add', Sub: 'Sub', Mul: 'Multiply', RealDiv: 'RealDiv' };

type Pair = (a: number, b: number) => number;
const BINARY: Readonly<Record<string, Pair>> = {
  AddV2: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: Math.imul,
  RealDiv: (a, b) => a / b,
  Maximum: (a, b) => (a > b ? a : b),
  Minimum: (a, b) => (a < b ? a : b),
  FloorDiv: (a, b) => Math.floor(a / b),
  Pow: (a, b) => a ** b,
};
const COMPARE: Readonly<Record<string, Pair>> = {
  Equal: (a, b) => Number(a === b),
  NotEqual: (a, b) => Number(a !== b),
  Greater: (a, b) => Number(a > b),
  GreaterEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessEqual: (a, b) => Number(a <= b),
  LogicalAnd: (a, b) => a & b,
  LogicalOr: (a, b) => a | b,
};

export const ELEMENTWISE: OpTable = {
  ...mapOps(
    UNARY,
    (kernel) =>
      ({ heap, inputs }) =>
        heap.run(kernel, { x: needFloat(inputs[0]!) }, {}),
  ),
  ...mapOps(BINARY, (pair, name) => (call) => {
    const [a, b] = call.inputs as [WasmValue, WasmValue];
    const fast = FAST_BINARY[name];
    if (fast && a.dtype === 'float32') return call.heap.run(fast, { a, b }, {});
    return combine(call.heap, a, b, a.dtype, pair);
  }),
  ...mapOps(
    COMPARE,
    (pair) =>
      ({ heap, inputs }) =>
        combine(heap, inputs[0]!, inputs[1]!, 'bool', pair),
  ),
  IsFinite: ({ heap, inputs }) => mapValues(heap, inputs[0]!, 'bool', (x) => Number(Number.isFinite(x))),
  SelectV2: select,
  Cast: cast,
  Identity: ({ heap, inputs }) => heap.share(inputs[0]!),
  // Values never change, so the copy may share memory.
  DeepCopy: ({ heap, inputs }) => heap.share(inputs[0]!),
  Bitcast: bitcast,
};

function mapOps<T>(table: Readonly<Record<string, T>>, make: (entry: T, name: string) => Op): OpTable {
  return Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, make(entry, name)]));
}

function needFloat(value: WasmValue): WasmValue {
  if (value.dtype === 'float32') return value;
  throw new Error(`internal: the wasm engine computes in float32, not ${value.dtype}`);
}

function mapValues(heap: Heap, x: WasmValue, dtype: DType, change: (x: number) => number): WasmValue {
  const out = heap.make(dtype, x.shape);
  const [from, to] = [heap.view(x), heap.view(out)];
  for (let i = 0; i < to.length; i += 1) to[i] = change(from[i]!);
  return out;
}

function combine(heap: Heap, a: WasmValue, b: WasmValue, dtype: DType, pair: Pair): WasmValue {
  const out = heap.make(dtype, broadcastShape(a.shape, b.shape));
  const [x, y, to] = [heap.view(a), heap.view(b), heap.view(out)];
  forEachRun(out.shape, [a.shape, b.shape], ({ at, length, starts, steps }) => {
    const [xAt, yAt] = starts as [number, number];
    const [xStep, yStep] = steps as [number, number];
    for (let i = 0; i < length; i += 1) to[at + i] = pair(x[xAt + i * xStep]!, y[yAt + i * yStep]!);
  });
  return out;
}

function select({ heap, inputs }: OpCall): WasmValue {
  const [condition, yes, no] = inputs as [WasmValue, WasmValue, WasmValue];
  const shape = broadcastShape(condition.shape, yes.shape, no.shape);
  if (sizeOf(condition.shape) === 1) {
    const chosen = heap.view(condition)[0] ? yes : no;
    if (sizeOf(chosen.shape) === sizeOf(shape)) return heap.share(chosen, shape);
  }
  const out = heap.make(yes.dtype, shape);
  const [c, y, n, to] = [heap.view(condition), heap.view(yes), heap.view(no), heap.view(out)];
  forEachRun(shape, [condition.shape, yes.shape, no.shape], ({ at, length, starts, steps }) => {
    const [cAt, yAt, nAt] = starts as [number, number, number];
    const [cStep, yStep, nStep] = steps as [number, number, number];
    for (let i = 0; i < length; i += 1) {
      to[at + i] = c[cAt + i * cStep] ? y[yAt + i * yStep]! : n[nAt + i * nStep]!;
    }
  });
  return out;
}

function cast(call: OpCall): WasmValue {
  const { heap, attrs } = call;
  const [x] = call.inputs as [WasmValue];
  const dtype = dtypeOf(attrs.get('DstT') as number);
  if (x.dtype === dtype) return heap.share(x);
  if (x.dtype === 'bfloat16') return widen(heap, x);
  const out = heap.make(dtype, x.shape);
  const [from, to] = [heap.view(x), heap.view(out)];
  if (dtype === 'bool') for (let i = 0; i < to.length; i += 1) to[i] = Number(from[i] !== 0);
  else to.set(from);
  return out;
}

/** Raw bytes of two-byte numbers: [..., 2] -> [...]; only to be cast. */
function bitcast({ heap, inputs, attrs }: OpCall): WasmValue {
  const [bytes] = inputs as [WasmValue];
  const dtype = dtypeOf(attrs.get('type') as number);
  if (dtype !== 'bfloat16' || bytes.dtype !== 'uint8')
    throw new Error(`internal: the wasm engine does not hold ${dtype}`);
  return { ...heap.share(bytes, bytes.shape.slice(0, -1)), dtype };
}

/** bf16 -> f32: the upper half of the bits. */
function widen(heap: Heap, x: WasmValue): WasmValue {
  const out = heap.make('float32', x.shape);
  const bytes: View = heap.view({ ...x, shape: [...x.shape, 2], dtype: 'uint8' });
  const floats = heap.floats(out);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (let i = 0; i < bits.length; i += 1) bits[i] = ((bytes[i * 2 + 1]! << 24) | (bytes[i * 2]! << 16)) >>> 0;
  return out;
}
