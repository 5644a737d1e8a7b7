/**
 * @file Runs each op at once on a device (TensorFlow's binding, or wasm): the reference in tests, and the way on where a graph can't be made.
 *
 * Values live in scopes (device/runner.ts); constants are cached by content for the runner's life; variables are plain ids that
 * `assign` swaps when the step has ended, so that a step sees one state from start to finish.
 */
import { createHash } from 'node:crypto';
import type { BindingAttr, Device } from './device.ts';
import { type Dim, type Shape, dimKey, evaluateDim, isKnown } from './dim.ts';
import { type DType, DTYPE_CODES } from './dtype.ts';
import type { Attr, Attrs, HostArray, Runner, ValueId, Variable } from './runner.ts';

/** Attribute kinds of the binding (TF_AttrType). */
const ATTR_KIND = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;
const SMALL_CONSTANT = 64;

export class EagerRunner implements Runner {
  readonly mode = 'eager';
  readonly writesInPlace = false;
  readonly fuses = false;
  readonly #device: Device;
  readonly #constants = new Map<string, ValueId>();
  readonly #variables = new Map<string, ValueId>();
  readonly #pending = new Map<string, ValueId>();
  #sizes: Readonly<Record<string, number>> = {};
  #scope: Set<ValueId> | null = null;
  #stepScope: Set<ValueId> | null = null;

  constructor(device: Device) {
    this.#device = device;
  }

  op(name: string, attrs: Attrs, inputs: readonly ValueId[], outputs: number): ValueId[] {
    const made = this.#device.executeOp(name, toBindingAttrs(attrs), inputs, outputs);
    return made.map(({ id }) => this.#track(id));
  }

  constant(values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
    const key = `${dtype}[${shape.join(',')}]${contentKey(values)}`;
    const cached = this.#constants.get(key);
    if (cached !== undefined) return cached;
    const id = this.#upload(values.slice(), dtype, shape);
    this.#constants.set(key, id);
    return id;
  }

  dim(dim: Dim): ValueId {
    return this.#sizesOf(Int32Array.of(evaluateDim(dim, this.#sizes)), [], isKnown(dim));
  }

  shape(shape: Shape): ValueId {
    const values = Int32Array.from(shape, (dim) => evaluateDim(dim, this.#sizes));
    return this.#sizesOf(values, [values.length], shape.every(isKnown));
  }

  read(variable: Variable): ValueId {
    const id = this.#variables.get(variable.name);
    if (id === undefined) throw new Error(`internal: variable ${variable.name} has no value`);
    return id;
  }

  assign(variable: Variable, value: ValueId): void {
    if (this.#pending.has(variable.name)) throw new Error(`internal: ${variable.name} is assigned twice in one step`);
    this.#scope?.delete(value);
    this.#pending.set(variable.name, this.#own(value));
  }

  barrier(value: ValueId): ValueId {
    return value;
  }

  fused(): null {
    return null;
  }

  addToProduct(): null {
    return null;
  }

  scope<T>(work: () => T, keptIds: (result: T) => Iterable<ValueId>): T {
    const outer = this.#scope;
    const inner = new Set<ValueId>();
    this.#scope = inner;
    try {
      const result = work();
      for (const id of keptIds(result)) {
        if (inner.delete(id)) outer?.add(id);
      }
      return result;
    } finally {
      for (const id of inner) this.#device.deleteTensor(id);
      this.#scope = outer;
    }
  }

  forStep<T>(work: () => T): T {
    const current = this.#scope;
    this.#scope = this.#stepScope;
    try {
      return work();
    } finally {
      this.#scope = current;
    }
  }

  /** Runs one step: symbols bound to `sizes`, assignments applied together at its end; a step that fails assigns nothing. */
  runStep<T>(sizes: Readonly<Record<string, number>>, step: () => T): T {
    this.#sizes = sizes;
    try {
      const result = this.scope(
        () => {
          this.#stepScope = this.#scope;
          return step();
        },
        () => [],
      );
      for (const [name, id] of this.#pending) this.setVariable(name, id);
      this.#pending.clear();
      return result;
    } finally {
      for (const id of this.#pending.values()) this.#device.deleteTensor(id);
      this.#pending.clear();
      this.#stepScope = null;
    }
  }

  /** A step's input. The array must not change before the step has ended. */
  input(values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
    return this.#track(this.#upload(values, dtype, shape));
  }

  /** Takes ownership of `id`; the variable's old value is freed. */
  setVariable(name: string, id: ValueId): void {
    const old = this.#variables.get(name);
    if (old !== undefined && old !== id) this.#device.deleteTensor(old);
    this.#variables.set(name, id);
  }

  variableId(name: string): ValueId | undefined {
    return this.#variables.get(name);
  }

  dispose(): void {
    for (const id of [...this.#constants.values(), ...this.#variables.values()]) this.#device.deleteTensor(id);
    this.#constants.clear();
    this.#variables.clear();
  }

  /** What depends on a step's sizes ends with it: another step may never have the same. */
  #sizesOf(values: Int32Array, shape: readonly number[], isFixed: boolean): ValueId {
    return isFixed ? this.constant(values, 'int32', shape) : this.input(values, 'int32', shape);
  }

  #upload(values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
    return uploadTensor(this.#device, values, dtype, shape);
  }

  #track(id: ValueId): ValueId {
    this.#scope?.add(id);
    return id;
  }

  /** A variable must not share its id with a constant or another variable: such a value is copied. */
  #own(value: ValueId): ValueId {
    const shared = [...this.#constants.values(), ...this.#variables.values(), ...this.#pending.values()];
    if (!shared.includes(value)) return value;
    throw new Error('internal: a variable was assigned a value that it does not own');
  }
}

/** Uploads host values; bf16, int8 and half arrive as their raw bytes in a Uint8Array. The caller owns the id. */
export function uploadTensor(device: Device, values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'uint8') {
    return device.createTensor(shape, DTYPE_CODES[dtype], values);
  }
  if (dtype === 'bool') return device.createTensor(shape, DTYPE_CODES.bool, values);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const width = dtype === 'int8' ? [] : [bytes.length / shape.reduce((a, b) => a * b, 1)];
  const raw = device.createTensor([...shape, ...width], DTYPE_CODES.uint8, bytes);
  const attrs = toBindingAttrs({ T: { type: 'uint8' }, type: { type: dtype } });
  const [cast] = device.executeOp('Bitcast', attrs, [raw], 1);
  device.deleteTensor(raw);
  return cast!.id;
}

export function toBindingAttrs(attrs: Attrs): BindingAttr[] {
  return Object.entries(attrs).map(([name, attr]) => ({ name, ...toBindingAttr(attr) }));
}

function toBindingAttr(attr: Attr): { type: number; value: unknown } {
  if (typeof attr === 'number') return { type: ATTR_KIND.int, value: attr };
  if (typeof attr === 'boolean') return { type: ATTR_KIND.bool, value: attr };
  if ('type' in attr) return { type: ATTR_KIND.type, value: DTYPE_CODES[attr.type] };
  if ('float' in attr) return { type: ATTR_KIND.float, value: attr.float };
  if ('string' in attr) return { type: ATTR_KIND.string, value: attr.string };
  if ('shape' in attr) return { type: ATTR_KIND.shape, value: attr.shape };
  return { type: ATTR_KIND.int, value: attr };
}

/** Digests of tables that are asked for again and again; what was a constant once must not be changed. */
const digests = new WeakMap<HostArray, string>();

/** Identifies a constant's content: the values themselves while they are few, else a digest. */
export function contentKey(values: HostArray): string {
  if (values.length <= SMALL_CONSTANT) return Array.from(values, (v) => (Object.is(v, -0) ? '-0' : v)).join(',');
  const known = digests.get(values);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const digest = createHash('sha1').update(bytes).digest('base64');
  digests.set(values, digest);
  return digest;
}

/** For messages. */
export function describeShape(shape: Shape): string {
  return `[${shape.map(dimKey).join(', ')}]`;
}
