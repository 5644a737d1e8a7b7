/**
 * @file TensorFlow ops with their shapes worked out, without gradients: the words that the hand-written ops are made of.
 *
 * Every function leaves its arguments alone and returns a new value that the current scope owns. Binary ops broadcast as NumPy does.
 */
import {
  type Dim,
  dimKey,
  divideDim,
  isKnown,
  multiplyDims,
  sameDim,
  sizeOf,
  type Shape,
  type SymbolicDim,
} from '../device/dim.ts';
import { bytesPerElement, type DType } from '../device/dtype.ts';
import type { HostArray, Runner, ValueId } from '../device/runner.ts';
import { apply, makeTensor, type Tensor } from './tensor.ts';

type BinaryOp = 'AddV2' | 'Sub' | 'Mul' | 'RealDiv' | 'Maximum' | 'Minimum' | 'FloorDiv' | 'Pow';
type UnaryOp =
  | 'Square'
  | 'Rsqrt'
  | 'Sqrt'
  | 'Exp'
  | 'Log'
  | 'Sigmoid'
  | 'Tanh'
  | 'Neg'
  | 'Relu'
  | 'Erf'
  | 'Softplus'
  | 'Abs'
  | 'Sign'
  | 'Reciprocal'
  | 'Cos'
  | 'Sin';
type CompareOp = 'Equal' | 'NotEqual' | 'Greater' | 'GreaterEqual' | 'Less' | 'LessEqual';

/** A number that is part of the program, in the dtype it meets. */
export function scalar(runner: Runner, value: number, dtype: DType = 'float32'): Tensor {
  return makeTensor(runner, runner.constant(scalarBytes(value, dtype), dtype, []), dtype, []);
}

function scalarBytes(value: number, dtype: DType): HostArray {
  if (dtype === 'float32') return Float32Array.of(value);
  if (dtype === 'int32') return Int32Array.of(value);
  if (dtype === 'bfloat16') {
    const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
    const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    return Uint8Array.of(rounded & 255, rounded >>> 8);
  }
  throw new Error(`internal: no scalar of type ${dtype}`);
}

/** A constant array that is part of the program. */
export function constant(runner: Runner, values: HostArray, dtype: DType, shape: readonly number[]): Tensor {
  return makeTensor(runner, runner.constant(values, dtype, shape), dtype, shape);
}

/** A size as an int32 scalar tensor. */
export function dimTensor(runner: Runner, dim: Dim): Tensor {
  return makeTensor(runner, runner.dim(dim), 'int32', []);
}

export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === 1) return right;
    if (right !== 1 && !sameDim(left, right)) {
      throw new Error(`internal: shapes [${JSON.stringify(a)}] and [${JSON.stringify(b)}] do not broadcast`);
    }
    return left;
  });
}

function binary(op: BinaryOp, a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== b.dtype) throw new Error(`internal: ${op} of ${a.dtype} and ${b.dtype}`);
  return apply(a.runner, op, { T: { type: a.dtype } }, [a, b], a.dtype, broadcastShape(a.shape, b.shape));
}

const asTensor = (like: Tensor, value: Tensor | number): Tensor =>
  typeof value === 'number' ? scalar(like.runner, value, like.dtype) : value;

export const add = (a: Tensor, b: Tensor | number): Tensor => binary('AddV2', a, asTensor(a, b));
export const subtract = (a: Tensor, b: Tensor | number): Tensor => binary('Sub', a, asTensor(a, b));
export const multiply = (a: Tensor, b: Tensor | number): Tensor => binary('Mul', a, asTensor(a, b));
export const divide = (a: Tensor, b: Tensor | number): Tensor => binary('RealDiv', a, asTensor(a, b));
export const maximum = (a: Tensor, b: Tensor | number): Tensor => binary('Maximum', a, asTensor(a, b));
export const minimum = (a: Tensor, b: Tensor | number): Tensor => binary('Minimum', a, asTensor(a, b));
export const floorDivide = (a: Tensor, b: Tensor | number): Tensor => binary('FloorDiv', a, asTensor(a, b));
export const power = (a: Tensor, b: Tensor | number): Tensor => binary('Pow', a, asTensor(a, b));

function unary(op: UnaryOp, x: Tensor): Tensor {
  return apply(x.runner, op, { T: { type: x.dtype } }, [x], x.dtype, x.shape);
}

export const square = (x: Tensor): Tensor => unary('Square', x);
export const rsqrt = (x: Tensor): Tensor => unary('Rsqrt', x);
export const sqrt = (x: Tensor): Tensor => unary('Sqrt', x);
export const exp = (x: Tensor): Tensor => unary('Exp', x);
export const log = (x: Tensor): Tensor => unary('Log', x);
export const sigmoid = (x: Tensor): Tensor => unary('Sigmoid', x);
export const tanh = (x: Tensor): Tensor => unary('Tanh', x);
export const negate = (x: Tensor): Tensor => unary('Neg', x);
export const relu = (x: Tensor): Tensor => unary('Relu', x);
export const erf = (x: Tensor): Tensor => unary('Erf', x);
export const softplus = (x: Tensor): Tensor => unary('Softplus', x);
export const abs = (x: Tensor): Tensor => unary('Abs', x);
export const sign = (x: Tensor): Tensor => unary('Sign', x);
export const cosine = (x: Tensor): Tensor => unary('Cos', x);

/** Element-wise comparison; booleans. */
export function compare(op: CompareOp, a: Tensor, b: Tensor | number): Tensor {
  const other = asTensor(a, b);
  const type = { T: { type: a.dtype } } as const;
  const attrs = op === 'Equal' || op === 'NotEqual' ? { ...type, incompatible_shape_error: true } : type;
  return apply(a.runner, op, attrs, [a, other], 'bool', broadcastShape(a.shape, other.shape));
}

export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return apply(a.runner, 'LogicalAnd', {}, [a, b], 'bool', broadcastShape(a.shape, b.shape));
}

export function isFinite(x: Tensor): Tensor {
  return apply(x.runner, 'IsFinite', { T: { type: x.dtype } }, [x], 'bool', x.shape);
}

/** `yes` where the condition holds, else `no`; broadcasts. */
export function select(condition: Tensor, yes: Tensor, no: Tensor): Tensor {
  const shape = broadcastShape(condition.shape, broadcastShape(yes.shape, no.shape));
  return apply(yes.runner, 'SelectV2', { T: { type: yes.dtype } }, [condition, yes, no], yes.dtype, shape);
}

/** The same value where the dtype is right already. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return apply(
    x.runner,
    'Cast',
    { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: false },
    [x],
    dtype,
    x.shape,
  );
}

/** The bits of x as a type of the same size. */
export function bitcast(x: Tensor, dtype: DType): Tensor {
  return apply(x.runner, 'Bitcast', { T: { type: x.dtype }, type: { type: dtype } }, [x], dtype, x.shape);
}

/** Of integers; a right shift keeps the sign. */
export function bitwise(op: 'BitwiseAnd' | 'BitwiseOr' | 'RightShift', a: Tensor, b: Tensor | number): Tensor {
  return apply(a.runner, op, { T: { type: a.dtype } }, [a, asTensor(a, b)], a.dtype, a.shape);
}

/** The bytes of x as numbers of a wider type. @param shape of the result */
export function bitcastBytes(x: Tensor, dtype: DType, shape: readonly number[]): Tensor {
  const bytes = reshape(x, [...shape, bytesPerElement(dtype)]);
  return apply(x.runner, 'Bitcast', { T: { type: x.dtype }, type: { type: dtype } }, [bytes], dtype, shape);
}

/** Same bytes, other shape. One axis may be -1 in the sense of "the rest". */
export function reshape(x: Tensor, shape: readonly (Dim | -1)[]): Tensor {
  const rest = shape.indexOf(-1);
  const full = rest < 0 ? shape : shape.map((dim, axis) => (axis === rest ? restOf(x.shape, shape) : dim));
  const unknown = full.filter((dim) => !isKnown(dim)).length;
  const target =
    unknown === 1
      ? x.runner.constant(
          Int32Array.from(full, (dim) => (isKnown(dim) ? dim : -1)),
          'int32',
          [full.length],
        )
      : x.runner.shape(full);
  const attrs = { T: { type: x.dtype }, Tshape: { type: 'int32' } } as const;
  return makeTensor(x.runner, x.runner.op('Reshape', attrs, [x.id, target], 1)[0]!, x.dtype, full);
}

function restOf(from: Shape, to: readonly (Dim | -1)[]): Dim {
  const total = sizeOf(from);
  const known = multiplyDims(...to.filter((dim): dim is Dim => dim !== -1));
  if (isKnown(known)) return divideDim(total, known);
  const symbols = isKnown(total) ? [] : [...total.symbols];
  for (const name of known.symbols) symbols.splice(symbols.indexOf(name), 1);
  const coefficient = (isKnown(total) ? total : total.coefficient) / known.coefficient;
  return symbols.length === 0 ? coefficient : { coefficient, symbols };
}

/**
 * Axis `i` of the result is axis `order[i]` of x. Where only axes of one value move, nothing is copied: a reshape says so to every device,
 * unless it would have to compute its shape.
 */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]!);
  const wide = order.filter((axis) => x.shape[axis] !== 1);
  const staysInOrder = wide.every((axis, index) => index === 0 || axis > wide[index - 1]!);
  if (staysInOrder && shape.filter((dim) => !isKnown(dim)).length <= 1) return reshape(x, shape);
  const permutation = constant(x.runner, Int32Array.from(order), 'int32', [order.length]);
  const attrs = { T: { type: x.dtype }, Tperm: { type: 'int32' } } as const;
  return apply(x.runner, 'Transpose', attrs, [x, permutation], x.dtype, shape);
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (!first) throw new Error('internal: concat of nothing');
  if (parts.length === 1) return first;
  const at = axis < 0 ? axis + first.shape.length : axis;
  const size = addDims(parts.map((part) => part.shape[at]!));
  const shape = first.shape.map((dim, index) => (index === at ? size : dim));
  const axisTensor = scalar(first.runner, at, 'int32');
  const attrs = { N: parts.length, T: { type: first.dtype }, Tidx: { type: 'int32' } } as const;
  return apply(first.runner, 'ConcatV2', attrs, [...parts, axisTensor], first.dtype, shape);
}

function addDims(dims: readonly Dim[]): Dim {
  if (dims.every(isKnown)) return dims.reduce<number>((sum, dim) => sum + dim, 0);
  const symbolic = dims.filter((dim): dim is SymbolicDim => !isKnown(dim));
  const symbols = symbolic[0]!.symbols;
  const same = symbolic.length === dims.length && symbolic.every((dim) => dim.symbols.join() === symbols.join());
  if (!same) return { coefficient: 1, symbols: [`sum(${dims.map(dimKey).join('+')})`] };
  return { coefficient: symbolic.reduce((sum, dim) => sum + dim.coefficient, 0), symbols };
}

/** Cuts into pieces of the given known sizes. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  if (sizes.length === 1) return [x];
  const at = axis < 0 ? axis + x.shape.length : axis;
  const runner = x.runner;
  const sizeTensor = constant(runner, Int32Array.from(sizes), 'int32', [sizes.length]);
  const inputs = [x.id, sizeTensor.id, scalar(runner, at, 'int32').id];
  const attrs = { num_split: sizes.length, T: { type: x.dtype }, Tlen: { type: 'int32' } } as const;
  const ids = runner.op('SplitV', attrs, inputs, sizes.length);
  return ids.map((id, index) =>
    makeTensor(
      runner,
      id,
      x.dtype,
      x.shape.map((dim, position) => (position === at ? sizes[index]! : dim)),
    ),
  );
}

/** Cuts an axis, whose size may be unknown, into equal pieces. */
export function splitEvenly(x: Tensor, pieces: number, axis: number): Tensor[] {
  if (pieces === 1) return [x];
  const size = divideDim(x.shape[axis]!, pieces);
  const attrs = { num_split: pieces, T: { type: x.dtype } } as const;
  const ids = x.runner.op('Split', attrs, [scalar(x.runner, axis, 'int32').id, x.id], pieces);
  const shape = x.shape.map((dim, position) => (position === axis ? size : dim));
  return ids.map((id) => makeTensor(x.runner, id, x.dtype, shape));
}

/** x[..., begin : begin + size, ...] along one axis; sizes may be unknown. */
export function sliceAxis(x: Tensor, axis: number, begin: Dim, size: Dim): Tensor {
  const shape = x.shape.map((dim, position) => (position === axis ? size : dim));
  const from = x.runner.shape(x.shape.map((_, position) => (position === axis ? begin : 0)));
  const to = x.runner.shape(shape);
  const attrs = { T: { type: x.dtype }, Index: { type: 'int32' } } as const;
  return makeTensor(x.runner, x.runner.op('Slice', attrs, [x.id, from, to], 1)[0]!, x.dtype, shape);
}

/** Columns of a matrix, whatever its number of rows. */
export function takeColumns(x: Tensor, begin: number, size: number): Tensor {
  const ints = (values: readonly number[]): ValueId => x.runner.constant(Int32Array.from(values), 'int32', [2]);
  const attrs = { T: { type: x.dtype }, Index: { type: 'int32' } } as const;
  const ids = [x.id, ints([0, begin]), ints([-1, size])];
  return makeTensor(x.runner, x.runner.op('Slice', attrs, ids, 1)[0]!, x.dtype, [x.shape[0]!, size]);
}

/** Rows of `table` along its first axis. @param indices int32, any shape. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  const axis = scalar(table.runner, 0, 'int32');
  const attrs = {
    batch_dims: 0,
    Tparams: { type: table.dtype },
    Tindices: { type: 'int32' },
    Taxis: { type: 'int32' },
  } as const;
  const shape = [...indices.shape, ...table.shape.slice(1)];
  return apply(table.runner, 'GatherV2', attrs, [table, indices, axis], table.dtype, shape);
}

/** One element per index. @param places int32 [n, rank of x] @returns [n] */
export function gatherElements(x: Tensor, places: Tensor): Tensor {
  const attrs = { Tparams: { type: x.dtype }, Tindices: { type: 'int32' } } as const;
  return apply(x.runner, 'GatherNd', attrs, [x, places], x.dtype, [places.shape[0]!]);
}

/** x with `values` [n] at `places` (int32 [n, rank of x]). */
export function updateAt(x: Tensor, places: Tensor, values: Tensor): Tensor {
  const attrs = { T: { type: x.dtype }, Tindices: { type: 'int32' } } as const;
  return apply(x.runner, 'TensorScatterUpdate', attrs, [x, places, values], x.dtype, x.shape);
}

/**
 * `values` [n, width] in the place of these rows of x [rows, width]. Changes x itself: nothing may read it but by way of the result.
 * @param places int32 [n], each row at most once
 */
export function writeRows(x: Tensor, places: Tensor, values: Tensor): Tensor {
  return apply(x.runner, 'InplaceUpdate', { T: { type: x.dtype } }, [x, places, values], x.dtype, x.shape);
}

type ReduceOp = 'Sum' | 'Mean' | 'Max' | 'Min';

function reduce(op: ReduceOp, x: Tensor, axes: readonly number[], keep: boolean): Tensor {
  const positive = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const axesTensor = constant(x.runner, Int32Array.from(positive), 'int32', [positive.length]);
  const shape = keep
    ? x.shape.map((dim, axis) => (positive.includes(axis) ? 1 : dim))
    : x.shape.filter((_, axis) => !positive.includes(axis));
  const attrs = { T: { type: x.dtype }, Tidx: { type: 'int32' }, keep_dims: keep } as const;
  return apply(x.runner, op, attrs, [x, axesTensor], x.dtype, shape);
}

export const sum = (x: Tensor, axes: readonly number[], keep = false): Tensor => reduce('Sum', x, axes, keep);
export const mean = (x: Tensor, axes: readonly number[], keep = false): Tensor => reduce('Mean', x, axes, keep);
export const reduceMax = (x: Tensor, axes: readonly number[], keep = false): Tensor => reduce('Max', x, axes, keep);

/** Sum over all axes: a scalar. */
export function sumAll(x: Tensor): Tensor {
  return x.shape.length === 0
    ? x
    : sum(
        x,
        x.shape.map((_, axis) => axis),
      );
}

/** One axis backwards. */
export function reverse(x: Tensor, axis: number): Tensor {
  const axes = constant(x.runner, Int32Array.of(axis), 'int32', [1]);
  return apply(x.runner, 'ReverseV2', { T: { type: x.dtype }, Tidx: { type: 'int32' } }, [x, axes], x.dtype, x.shape);
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(x.runner, 'Softmax', { T: { type: x.dtype } }, [x], x.dtype, x.shape);
}

/** [0, 1, …, size - 1], int32. */
export function range(runner: Runner, size: Dim): Tensor {
  const inputs = [scalar(runner, 0, 'int32'), dimTensor(runner, size), scalar(runner, 1, 'int32')];
  return apply(runner, 'Range', { Tidx: { type: 'int32' } }, inputs, 'int32', [size]);
}

/** A tensor of one value. */
export function fill(runner: Runner, shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  const inputs = [runner.shape(shape), scalar(runner, value, dtype).id];
  const attrs = { T: { type: dtype }, index_type: { type: 'int32' } } as const;
  return makeTensor(runner, runner.op('Fill', attrs, inputs, 1)[0]!, dtype, shape);
}

/** Adds `updates` [n, ...] into rows `indices` [n] of zeros [rows, ...]. */
export function scatterAddRows(updates: Tensor, indices: Tensor, rows: Dim): Tensor {
  const count = dimTensor(updates.runner, rows);
  const attrs = {
    T: { type: updates.dtype },
    Tindices: { type: 'int32' },
    Tnumsegments: { type: 'int32' },
  } as const;
  const shape = [rows, ...updates.shape.slice(1)];
  return apply(updates.runner, 'UnsortedSegmentSum', attrs, [updates, indices, count], updates.dtype, shape);
}

/** Index of the largest value of the last axis, the first of equal ones, int32. `ArgMax` takes twice the time, and gives a card one thread a row. */
export function argMax(x: Tensor): Tensor {
  const rows = x.shape.slice(0, -1);
  const inputs = [x.id, scalar(x.runner, 1, 'int32').id];
  const [, places] = x.runner.op('TopKV2', { T: { type: x.dtype }, sorted: true }, inputs, 2);
  return reshape(makeTensor(x.runner, places!, 'int32', [...rows, 1]), rows);
}

/** Uniform numbers in [0, 1) from a counter-based generator. @param seed int32 [2]. */
export function randomUniform(runner: Runner, shape: Shape, seed: Tensor): Tensor {
  const attrs = { dtype: { type: 'float32' }, T: { type: 'int32' }, Tseed: { type: 'int32' } } as const;
  return makeTensor(
    runner,
    runner.op('StatelessRandomUniform', attrs, [runner.shape(shape), seed.id], 1)[0]!,
    'float32',
    shape,
  );
}

/** Stacks scalars into a vector. */
export function pack(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new Error('internal: pack of nothing');
  const attrs = { N: parts.length, T: { type: first.dtype }, axis: 0 } as const;
  return apply(first.runner, 'Pack', attrs, parts, first.dtype, [parts.length, ...first.shape]);
}
