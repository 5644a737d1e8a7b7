/**
 * @file Ops on single elements. The backend's kernels where they are vectorized; loops where it has none, or slow ones.
 */
import { type DType } from '../dtype.ts';
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
  const shape = broadcast(a.shape, b.shape);
  const out = heap.make(dtype, shape);
  const [x, y, to] = [heap.view(a), heap.view(b), heap.view(out)];
  if (x.length === to.length && y.length === to.length) {
    for (let i = 0; i < to.length; i += 1) to[i] = pair(x[i]!, y[i]!);
  } else if (y.length === 1) {
    const right = y[0]!;
    for (let i = 0; i < to.length; i += 1) to[i] = pair(x[i]!, right);
  } else {
    const [xAt, yAt] = [positions(a.shape, shape), positions(b.shape, shape)];
    for (let i = 0; i < to.length; i += 1) to[i] = pair(x[xAt(i)]!, y[yAt(i)]!);
  }
  return out;
}

export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`internal: shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
    }
    return left === 1 ? right : left;
  });
}

/** Where element `i` of a broadcast result comes from. */
function positions(from: readonly number[], to: readonly number[]): (i: number) => number {
  const size = sizeOf(from);
  if (size === 1) return () => 0;
  if (size === sizeOf(to)) return (i) => i;
  const missing = to.length - from.length;
  let stride = size;
  const strides = to.map((_, axis) => {
    const length = from[axis - missing] ?? 1;
    stride /= length;
    return length === 1 ? 0 : stride;
  });
  return (i) => {
    let [rest, at] = [i, 0];
    for (let axis = to.length - 1; axis >= 0; axis -= 1) {
      at += (rest % to[axis]!) * strides[axis]!;
      rest = Math.floor(rest / to[axis]!);
    }
    return at;
  };
}

function select({ heap, inputs }: OpCall): WasmValue {
  const [condition, yes, no] = inputs as [WasmValue, WasmValue, WasmValue];
  const shape = broadcast(condition.shape, broadcast(yes.shape, no.shape));
  const size = sizeOf(shape);
  if (sizeOf(condition.shape) === 1) {
    const chosen = heap.view(condition)[0] ? yes : no;
    if (sizeOf(chosen.shape) === size) return heap.share(chosen, shape);
  }
  const out = heap.make(yes.dtype, shape);
  const [c, y, n, to] = [heap.view(condition), heap.view(yes), heap.view(no), heap.view(out)];
  const [cAt, yAt, nAt] = [condition, yes, no].map((value) => positions(value.shape, shape));
  for (let i = 0; i < size; i += 1) to[i] = c[cAt!(i)] ? y[yAt!(i)]! : n[nAt!(i)]!;
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
