/**
 * @file The one interface through which all device work goes: op(name, attrs, values) -> values.
 *
 * Op names, attributes and dtypes are TensorFlow's. Two things stand behind it: the eager runner sends each op at once to a device
 * (device.ts: TensorFlow's native binding, or wasm); the graph runner writes it down as a node of a GraphDef. Model code never knows
 * which one it talks to, never reads a value back inside a step and never branches on one, so the same function is the eager reference
 * and the source of the compiled step.
 *
 * Ownership: values belong to the scope they were made in and end with it; only what the scope's function returns (or hands to
 * `keep`) moves to the enclosing scope. In a graph scopes cost nothing.
 */
import type { Dim, Shape } from './dim.ts';
import type { DType } from './dtype.ts';

/** An op attribute: numbers are ints, booleans bools; the rest is tagged. */
export type Attr =
  | number
  | boolean
  | readonly number[]
  | { readonly type: DType }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly shape: readonly number[] };
export type Attrs = Readonly<Record<string, Attr>>;

/** A value on the device: an id of the binding, or the number of a graph value. Meaningless outside its runner. */
export type ValueId = number;

/** A named piece of device memory that outlives steps: a weight, an adapter, optimizer state. */
export interface Variable {
  readonly name: string;
  readonly dtype: DType;
  /** -1 = changes from step to step (key/value caches). */
  readonly shape: readonly number[];
}

export type HostArray = Float32Array | Int32Array | Uint8Array;

export interface ProductSum {
  readonly a: ValueId;
  readonly b: ValueId;
  readonly factor: ValueId;
  readonly addend: ValueId;
}

export interface Runner {
  readonly mode: 'eager' | 'graph';
  /** Runs or records one op. `outputs` is the number of values it yields. */
  op(name: string, attrs: Attrs, inputs: readonly ValueId[], outputs: number): ValueId[];
  /** A value known now: baked into a graph, cached by content in eager mode. Never dispose it. */
  constant(values: HostArray, dtype: DType, shape: readonly number[]): ValueId;
  /** A size as an int32 scalar. */
  dim(dim: Dim): ValueId;
  /** A shape as an int32 vector; at most the caller's -1 may stand in it. */
  shape(shape: Shape): ValueId;
  /** Current value of a variable. */
  read(variable: Variable): ValueId;
  /** New value of a variable from the end of this step on. */
  assign(variable: Variable, value: ValueId): void;
  /** `value`, but not before `after` exists: keeps a graph from merging or hoisting recomputed work. */
  barrier(value: ValueId, dtype: DType, after: ValueId): ValueId;
  /** Whether rows are written into a variable's own memory where one asks for it, so that it need not be assigned. */
  readonly writesInPlace: boolean;
  /** Whether `fused` makes kernels. */
  readonly fuses: boolean;
  /**
   * A chain of ops as one kernel, or null where this runner makes none. `body` gets another runner and the same values in it.
   * @returns one value per result of `body`
   */
  fused(
    inputs: readonly { readonly id: ValueId; readonly dtype: DType }[],
    body: (runner: Runner, inputs: readonly ValueId[]) => readonly { readonly id: ValueId; readonly dtype: DType }[],
  ): ValueId[] | null;
  /**
   * a b^T times a factor, plus `addend`, in one op; null where this runner has none.
   * @param operands `a` [batch, heads, n, k], `b` [batch, heads, m, k], `addend` [batch or 1, heads or 1, n, m], `factor` [], all of one float dtype
   */
  addToProduct(operands: ProductSum, dtype: DType): ValueId | null;
  /** Runs `work`; values made inside end with it except those that `keptIds` names. */
  scope<T>(work: () => T, keptIds: (result: T) => Iterable<ValueId>): T;
  /** Runs `work` as if outside all scopes of the step: what it makes lives until the step ends. For values that several blocks share. */
  forStep<T>(work: () => T): T;
}
