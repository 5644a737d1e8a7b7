/**
 * @file What an op of the wasm engine gets: its inputs, TensorFlow's attributes, and the heap to make its outputs on.
 */
import type { BindingAttr } from '../device.ts';
import { type DType, DTYPE_CODES } from '../dtype.ts';
import type { Heap, WasmValue } from './heap.ts';

export interface OpCall {
  readonly heap: Heap;
  readonly inputs: readonly WasmValue[];
  readonly attrs: ReadonlyMap<string, unknown>;
}

/** Gives new values (or new handles), which the caller owns; leaves its inputs alone. */
export type Op = (call: OpCall) => WasmValue | readonly WasmValue[];
export type OpTable = Readonly<Record<string, Op>>;

const DTYPE_NAMES = new Map<number, DType>(Object.entries(DTYPE_CODES).map(([name, code]) => [code, name as DType]));

export function dtypeOf(code: number): DType {
  const name = DTYPE_NAMES.get(code);
  if (!name) throw new Error(`internal: there is no dtype ${code}`);
  return name;
}

export function attrMap(attrs: readonly BindingAttr[]): ReadonlyMap<string, unknown> {
  return new Map(attrs.map(({ name, value }) => [name, value]));
}

/** A small int32 input that says how: axes, sizes, a shape. */
export function hostInts({ heap, inputs }: OpCall, index: number): number[] {
  return Array.from(heap.ints(inputs[index]!));
}

/** Works on handles that are freed however the work ends. */
export function withTemporaries<T>(heap: Heap, work: (keep: (value: WasmValue) => WasmValue) => T): T {
  const made: WasmValue[] = [];
  try {
    return work((value) => {
      made.push(value);
      return value;
    });
  } finally {
    for (const value of made) heap.free(value);
  }
}
