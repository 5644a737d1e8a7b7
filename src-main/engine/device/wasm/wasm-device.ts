/**
 * @file The device of machines without TensorFlow: its ops by TensorFlow's names, on the CPU through @tensorflow/tfjs-backend-wasm.
 * f32, one thread.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { BindingAttr, BindingTensor, Device } from '../device.ts';
import { DTYPE_CODES } from '../dtype.ts';
import type { ValueId } from '../runner.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { explainTrap, Heap, type View, type WasmValue } from './heap.ts';
import { LAYOUT } from './layout.ts';
import { attrMap, dtypeOf, type OpTable } from './op-call.ts';
import { PRODUCTS } from './products.ts';
import { RANDOM } from './random.ts';
import { REDUCE } from './reductions.ts';
import { ROWS } from './rows.ts';

/** All ops, by TensorFlow's names. */
export const WASM_OPS: OpTable = { ...ELEMENTWISE, ...LAYOUT, ...PRODUCTS, ...REDUCE, ...ROWS, ...RANDOM };

export class WasmDevice implements Device {
  readonly #heap: Heap;
  readonly #values = new Map<ValueId, WasmValue>();
  #lastId = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /** Always a copy. */
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView | readonly Uint8Array[]): ValueId {
    return this.#guard(() => this.#add(this.#heap.put(values as View, dtypeOf(dtype), [...shape])));
  }

  deleteTensor(id: ValueId): void {
    this.#heap.free(this.#get(id));
    this.#values.delete(id);
  }

  tensorDataSync(id: ValueId): View {
    return this.#heap.view(this.#get(id)).slice();
  }

  executeOp(name: string, attrs: readonly BindingAttr[], inputs: readonly ValueId[], outputs: number): BindingTensor[] {
    const op = WASM_OPS[name];
    if (!op) throw new Error(`internal: the wasm engine has no op ${name}`);
    const call = { heap: this.#heap, inputs: inputs.map((id) => this.#get(id)), attrs: attrMap(attrs) };
    const made = this.#guard(() => op(call));
    const values = Array.isArray(made) ? (made as WasmValue[]) : [made as WasmValue];
    if (values.length !== outputs) throw new Error(`internal: ${name} gave ${values.length} values, not ${outputs}`);
    return values.map((value) => ({
      id: this.#add(value),
      dtype: DTYPE_CODES[value.dtype],
      shape: [...value.shape],
    }));
  }

  getNumOfTensors(): number {
    return this.#heap.count();
  }

  /** @throws memory/exhausted */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explainTrap(error, this.#heap.bytes());
    }
  }

  #add(value: WasmValue): ValueId {
    this.#lastId += 1;
    this.#values.set(this.#lastId, value);
    return this.#lastId;
  }

  #get(id: ValueId): WasmValue {
    const value = this.#values.get(id);
    if (!value) throw new Error(`internal: there is no value ${id}`);
    return value;
  }
}

let loading: Promise<WasmDevice> | null = null;

/** The device of this process, loaded at the first call. */
export function loadWasmDevice(): Promise<WasmDevice> {
  return (loading ??= load());
}

async function load(): Promise<WasmDevice> {
  const [tfjs, wasm] = await Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-backend-wasm')]);
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${path.dirname(main)}${path.sep}`);
  await tfjs.setBackend('wasm');
  await tfjs.ready();
  return new WasmDevice(new Heap(tfjs.backend() as BackendWasm, tfjs));
}
