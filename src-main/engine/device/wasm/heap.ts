/**
 * @file Device values on the heap of @tensorflow/tfjs-backend-wasm: allocation, shared handles, views, and its kernels.
 *
 * The backend is used beneath tfjs-core's tensors: its kernels take and give plain records (data id, shape, dtype), and it counts
 * references to memory. Because the heap is ordinary memory to JavaScript, an op that the backend lacks or is slow at is a loop over
 * views of it, without copies. Views die when the heap grows: allocate first, then look.
 *
 * Trap of the package (4.22): where memory runs out its `malloc` gives 0 and kernels write there; ours throws instead. What its kernels
 * allocate by themselves fails as a trap of wasm (`explainTrap`).
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { AppError } from '../../../../src-shared/domain/app-error.ts';
import type { DType } from '../dtype.ts';

export type DataId = ReturnType<BackendWasm['write']>;

/** A handle: freed by `free`, each for itself, also where several share memory. */
export interface WasmValue {
  readonly data: DataId;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export type View = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** What of tfjs-core is used. */
export interface KernelSource {
  getKernel(name: string, backend: 'wasm'): { readonly kernelFunc: (args: never) => unknown } | undefined;
}

interface Stored {
  readonly memoryOffset: number;
}

/** What the package's own types leave out. */
interface Module {
  _malloc: (size: number) => number;
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  cwrap(name: string, result: null, args: readonly string[]): (...args: unknown[]) => void;
}

const moduleOf = ({ wasm }: BackendWasm): Module => wasm as unknown as Module;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** The backend's own word for how elements lie in memory; it knows three. */
function storageOf(dtype: DType): 'float32' | 'int32' | 'bool' {
  if (dtype === 'float32' || dtype === 'int32') return dtype;
  if (dtype === 'bool' || dtype === 'uint8') return 'bool';
  throw new Error(`internal: the wasm engine does not hold ${dtype}`);
}

export class Heap {
  readonly #backend: BackendWasm;
  readonly #kernels: KernelSource;
  readonly #multiply: (...args: unknown[]) => void;

  constructor(backend: BackendWasm, kernels: KernelSource) {
    this.#backend = backend;
    this.#kernels = kernels;
    const wasm = moduleOf(backend);
    const matrix = ['number', 'array', 'number'];
    this.#multiply = wasm.cwrap('BatchMatMul', null, [...matrix, ...matrix, 'number', 'number', 'number']);
    refuseEmptyHanded(wasm);
  }

  /** A new value, uninitialised. */
  make(dtype: DType, shape: readonly number[]): WasmValue {
    return { data: this.#backend.write(null, [...shape], storageOf(dtype)), shape, dtype };
  }

  /** A new value with a copy of `values`. */
  put(values: View, dtype: DType, shape: readonly number[]): WasmValue {
    if (values.length !== sizeOf(shape)) throw new Error(`internal: ${values.length} values for [${shape.join(', ')}]`);
    const value = this.make(dtype, shape);
    this.view(value).set(values);
    return value;
  }

  /** A second handle on the same memory. */
  share(value: WasmValue, shape: readonly number[] = value.shape): WasmValue {
    this.#backend.incRef(value.data);
    return { ...value, shape };
  }

  free(value: WasmValue): void {
    this.#backend.disposeData(value.data);
  }

  /** Bytes that the heap has grown to. */
  bytes(): number {
    return moduleOf(this.#backend).HEAPU8.length;
  }

  /** Blocks of memory that are alive. */
  count(): number {
    return this.#backend.numDataIds();
  }

  /** Elements of a value, in place; not to be kept over an allocation. */
  view(value: WasmValue): View {
    const { buffer } = moduleOf(this.#backend).HEAPU8;
    const [at, size] = [this.#offsetOf(value), sizeOf(value.shape)];
    if (value.dtype === 'float32') return new Float32Array(buffer, at, size);
    return value.dtype === 'int32' ? new Int32Array(buffer, at, size) : new Uint8Array(buffer, at, size);
  }

  /** `view` of an f32 value. */
  floats(value: WasmValue): Float32Array<ArrayBuffer> {
    return this.view(value) as Float32Array<ArrayBuffer>;
  }

  /** `view` of an int32 value. */
  ints(value: WasmValue): Int32Array<ArrayBuffer> {
    return this.view(value) as Int32Array<ArrayBuffer>;
  }

  /** Runs a kernel of the backend on f32 values. */
  run(name: string, inputs: Readonly<Record<string, WasmValue>>, attrs: Readonly<Record<string, unknown>>): WasmValue {
    const kernel = this.#kernels.getKernel(name, 'wasm');
    if (!kernel) throw new Error(`internal: the wasm backend has no kernel ${name}`);
    const infos = Object.entries(inputs).map(([input, { data, shape, dtype }]) => [
      input,
      { dataId: data, shape: [...shape], dtype },
    ]);
    const args = { inputs: Object.fromEntries(infos) as unknown, attrs, backend: this.#backend };
    const { dataId, shape } = kernel.kernelFunc(args as never) as { dataId: DataId; shape: number[] };
    return { data: dataId, shape, dtype: 'float32' };
  }

  /**
   * out[m, n] = a[m, k] b[k, n], all f32 and row by row in memory; `at` are numbers of matrices to skip. The only product that the backend
   * does fast. It keeps a packed copy of b under the id of b: short-lived ids of our own keep weights from being held twice.
   */
  multiply(a: WasmValue, b: WasmValue, out: WasmValue, [m, k, n]: readonly [number, number, number], at = 0): void {
    const ids = [
      this.#borrow(a, at * m * k, m * k),
      this.#borrow(b, at * k * n, k * n),
      this.#borrow(out, at * m * n, m * n),
    ];
    this.#multiply(ids[0], shapeBytes(1, m, k), 3, ids[1], shapeBytes(1, k, n), 3, 0, 0, ids[2]);
    for (const id of ids) this.#backend.wasm.tfjs.disposeData(id);
  }

  #borrow(value: WasmValue, skip: number, size: number): number {
    const backend = this.#backend as unknown as { dataIdNextNumber: number };
    const id = backend.dataIdNextNumber;
    backend.dataIdNextNumber += 1;
    this.#backend.wasm.tfjs.registerTensor(id, size, this.#offsetOf(value) + skip * 4);
    return id;
  }

  #offsetOf({ data }: WasmValue): number {
    const map = (this.#backend as unknown as { dataIdMap: { get(id: DataId): Stored } }).dataIdMap;
    return map.get(data).memoryOffset;
  }
}

const shapeBytes = (...shape: number[]): Uint8Array => new Uint8Array(Int32Array.from(shape).buffer);

/** wasm addresses end at 4 GB; the last allocation that fits leaves less than this. */
const FULL_BYTES = 3.5 * 2 ** 30;

/** A trap of wasm on a heap that is all but full is a lack of memory. */
export function explainTrap(error: unknown, heapBytes: number): unknown {
  const isTrap = error instanceof Error && error.name === 'RuntimeError';
  return isTrap && heapBytes >= FULL_BYTES ? isFull(error) : error;
}

function refuseEmptyHanded(wasm: Module): void {
  const malloc = wasm._malloc;
  wasm._malloc = (size) => {
    const at = malloc(size);
    if (at !== 0 || size === 0) return at;
    throw isFull();
  };
}

function isFull(cause?: unknown): AppError {
  return new AppError('memory/exhausted', 'The wasm engine has no memory left (it can use 4 GB)', {
    kind: 'environment',
    hint: 'Train with smaller batches or shorter rows, or install TensorFlow: `node scripts/tunesmith.mjs engine install`.',
    cause,
  });
}
