/**
 * @file Where ops run one by one: the part of TensorFlow's native interface that the eager runner and the loading of weights use. The
 * wasm engine (wasm/wasm-device.ts) has the same face.
 */
import type { ValueId } from './runner.ts';

/** An op attribute by TensorFlow's numbers (`toBindingAttrs`). */
export interface BindingAttr {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface BindingTensor {
  readonly id: ValueId;
  readonly dtype: number;
  readonly shape: number[];
}

/** Ids are owned by the caller, each until its `deleteTensor`. */
export interface Device {
  /** Host values as a device value; it may alias the array, which must not change while the id lives. @param dtype TensorFlow's number */
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView | readonly Uint8Array[]): ValueId;
  deleteTensor(id: ValueId): void;
  /** f32, int32 and bool. */
  tensorDataSync(id: ValueId): ArrayBufferView;
  executeOp(name: string, attrs: readonly BindingAttr[], inputs: readonly ValueId[], outputs: number): BindingTensor[];
  /** What is alive: ids, or the memory behind them. */
  getNumOfTensors(): number;
}
