/**
 * @file Writes ops down as nodes of a GraphDef instead of running them.
 *
 * Several entry points (train, evaluate, prefill, decode) are traced one after the other into the same graph and share its
 * variables; which one runs is decided by what is fetched. Sizes that are unknown when tracing become int32 scalars fed with each
 * call. Identical constants and identical size products are written once; TensorFlow's own optimizer merges the rest.
 */
import { type Dim, type Shape, dimKey, isKnown } from '../device/dim.ts';
import type { DType } from '../device/dtype.ts';
import { contentKey } from '../device/eager-runner.ts';
import type { Attrs, HostArray, ProductSum, Runner, ValueId, Variable } from '../device/runner.ts';
import { FunctionRunner, type FunctionValue } from './function-runner.ts';
import type { GraphFunction, GraphNode, NodeAttr } from './protobuf.ts';

/** Names by which one traced entry is called. */
export interface TracedEntry {
  /** Input name -> graph name to feed. */
  readonly feeds: ReadonlyMap<string, string>;
  /** Output name -> graph name to fetch. */
  readonly fetches: ReadonlyMap<string, string>;
  /** Symbols that this entry needs a value for, and the graph name to feed. */
  readonly sizes: ReadonlyMap<string, string>;
}

interface GraphOptions {
  readonly isGpu?: boolean;
  readonly productSums?: ReadonlySet<DType>;
}

export class GraphRunner implements Runner {
  readonly mode = 'graph';
  readonly writesInPlace: boolean;
  readonly nodes: GraphNode[] = [];
  readonly variables = new Map<string, Variable>();
  /** Fused chains by their content: what all layers do is there once. */
  readonly #functions = new Map<string, GraphFunction>();
  readonly #productSums: ReadonlySet<DType>;
  #fuses = false;
  /** ValueId -> `node:output`. */
  readonly #values: string[] = [];
  readonly #constants = new Map<string, ValueId>();
  #prefix = '';
  #count = 0;
  #reads = new Map<string, ValueId>();
  #sizes = new Map<string, ValueId>();
  #sizeFeeds = new Map<string, string>();
  #assigned = new Map<string, string>();

  /**
   * @param options where the graph will run: `isGpu`, since a card can write in place in f32 alone; `productSums`, the dtypes in which a
   *   product may add something itself
   */
  constructor({ isGpu = false, productSums = new Set() }: GraphOptions = {}) {
    this.writesInPlace = !isGpu;
    this.#productSums = productSums;
  }

  /** Traces one entry. `trace` gets its inputs and returns its outputs by name. @param fuses as in `Entry` */
  traceEntry(
    name: string,
    inputs: Readonly<Record<string, { dtype: DType; shape: Shape }>>,
    trace: (inputs: Readonly<Record<string, ValueId>>) => Readonly<Record<string, { id: ValueId; dtype: DType }>>,
    fuses = false,
  ): TracedEntry {
    this.#prefix = name;
    this.#fuses = fuses;
    this.#reads = new Map();
    this.#sizes = new Map();
    this.#sizeFeeds = new Map();
    this.#assigned = new Map();
    const feeds = new Map<string, string>();
    const ids: Record<string, ValueId> = {};
    for (const [input, { dtype, shape }] of Object.entries(inputs)) {
      const dims = shape.map((dim) => (isKnown(dim) ? dim : -1));
      const id = this.#placeholder(`in/${input}`, dtype, dims);
      ids[input] = id;
      feeds.set(input, this.#values[id]!);
    }
    const outputs = trace(ids);
    const controls = [...this.#assigned.values()].map((node) => `^${node}`);
    const fetches = new Map<string, string>();
    for (const [output, { id, dtype }] of Object.entries(outputs)) {
      const node = this.#node('Identity', { T: { type: dtype } }, [this.#values[id]!, ...controls], `out/${output}`);
      fetches.set(output, `${node}:0`);
    }
    return { feeds, fetches, sizes: this.#sizeFeeds };
  }

  op(name: string, attrs: Attrs, inputs: readonly ValueId[], outputs: number): ValueId[] {
    const node = this.#node(
      name,
      attrs,
      inputs.map((id) => this.#values[id]!),
    );
    return Array.from({ length: outputs }, (_, index) => this.#value(`${node}:${index}`));
  }

  constant(values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
    const key = `${dtype}[${shape.join(',')}]${contentKey(values)}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const attrs = { dtype: { type: dtype }, value: { tensor: { dtype, shape, bytes } } } as const;
    const id = this.#value(`${this.#node('Const', attrs, [], `constant_${this.#count}`, '')}:0`);
    this.#constants.set(key, id);
    return id;
  }

  dim(dim: Dim): ValueId {
    if (isKnown(dim)) return this.constant(Int32Array.of(dim), 'int32', []);
    const key = dimKey(dim);
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    const id = this.#symbolicDim(dim);
    this.#sizes.set(key, id);
    return id;
  }

  shape(shape: Shape): ValueId {
    if (shape.every(isKnown)) return this.constant(Int32Array.from(shape), 'int32', [shape.length]);
    const parts = shape.map((dim) => this.dim(dim));
    return this.op('Pack', { N: parts.length, T: { type: 'int32' }, axis: 0 }, parts, 1)[0]!;
  }

  read(variable: Variable): ValueId {
    const known = this.#reads.get(variable.name);
    if (known !== undefined) return known;
    const handle = this.declare(variable);
    const node = this.#node('ReadVariableOp', { dtype: { type: variable.dtype } }, [handle]);
    const id = this.#value(`${node}:0`);
    this.#reads.set(variable.name, id);
    return id;
  }

  assign(variable: Variable, value: ValueId): void {
    if (this.#assigned.has(variable.name)) throw new Error(`internal: ${variable.name} is assigned twice in one step`);
    const handle = this.declare(variable);
    // The old value must have been read before it is replaced, even where the new one does not depend on it.
    const before = this.#reads.get(variable.name);
    const controls = before === undefined ? [] : [`^${this.#values[before]!.replace(/:\d+$/, '')}`];
    const attrs = { dtype: { type: variable.dtype }, validate_shape: false } as const;
    this.#assigned.set(
      variable.name,
      this.#node('AssignVariableOp', attrs, [handle, this.#values[value]!, ...controls]),
    );
  }

  barrier(value: ValueId, dtype: DType, after: ValueId): ValueId {
    const control = `^${this.#values[after]!.replace(/:\d+$/, '')}`;
    return this.#value(`${this.#node('Identity', { T: { type: dtype } }, [this.#values[value]!, control])}:0`);
  }

  get fuses(): boolean {
    return this.#fuses;
  }

  fused(
    inputs: readonly { readonly id: ValueId; readonly dtype: DType }[],
    body: (runner: Runner, inputs: readonly ValueId[]) => readonly FunctionValue[],
  ): ValueId[] | null {
    if (!this.#fuses) return null;
    const traced = FunctionRunner.trace(
      inputs.map(({ dtype }) => dtype),
      body,
    );
    const key = functionKey(traced);
    const known = this.#functions.get(key) ?? { name: `fused_${this.#functions.size}`, ...traced };
    this.#functions.set(key, known);
    const attrs = {
      Tin: { types: known.inputs.map(({ dtype }) => dtype) },
      Tout: { types: known.outputs.map(({ dtype }) => dtype) },
      f: { function: known.name },
      config: { string: '' },
      config_proto: { string: '' },
      executor_type: { string: '' },
      _XlaMustCompile: true,
    } as const;
    const node = this.#node(
      'PartitionedCall',
      attrs,
      inputs.map(({ id }) => this.#values[id]!),
    );
    return known.outputs.map((_, index) => this.#value(`${node}:${index}`));
  }

  /** The op that TensorFlow's optimizer makes of product, factor and sum, which it does only where it knows all sizes. */
  addToProduct({ a, b, factor, addend }: ProductSum, dtype: DType): ValueId | null {
    if (!this.#productSums.has(dtype)) return null;
    const attrs = {
      T: { type: dtype },
      adj_x: false,
      adj_y: true,
      fused_ops: { strings: ['Mul', 'Add'] },
      num_args: 2,
    } as const;
    const inputs = [a, b, factor, addend].map((id) => this.#values[id]!);
    return this.#value(`${this.#node('_MklFusedBatchMatMulV2', attrs, inputs)}:0`);
  }

  get functions(): readonly GraphFunction[] {
    return [...this.#functions.values()];
  }

  scope<T>(work: () => T): T {
    return work();
  }

  forStep<T>(work: () => T): T {
    return work();
  }

  /** Writes the variable's handle, its initialiser and its reader once. @returns the handle's graph name. */
  declare(variable: Variable): string {
    const handle = `variable/${variable.name}`;
    if (this.variables.has(variable.name)) return handle;
    this.variables.set(variable.name, variable);
    const { dtype, shape, name } = variable;
    const type = { dtype: { type: dtype } } as const;
    this.#push(handle, 'VarHandleOp', {
      ...type,
      shape: { shape },
      shared_name: { string: name },
      container: { string: '' },
    });
    this.#push(`initial/${name}`, 'Placeholder', { ...type, shape: { shape } });
    this.#push(`set/${name}`, 'AssignVariableOp', { ...type, validate_shape: false }, [handle, `initial/${name}`]);
    this.#push(`get/${name}`, 'ReadVariableOp', type, [handle]);
    return handle;
  }

  /** A node whose fetch assigns all of `names` from their `initial/` feeds. @returns its graph name. */
  addInitializer(group: string, names: readonly string[]): string {
    const one = this.#values[this.constant(Int32Array.of(1), 'int32', [])]!;
    const inputs = [one, ...names.map((name) => `^set/${name}`)];
    this.#push(`initialize/${group}`, 'Identity', { T: { type: 'int32' } }, inputs);
    return `initialize/${group}:0`;
  }

  #symbolicDim({ coefficient, symbols }: Exclude<Dim, number>): ValueId {
    const multiply = (a: ValueId, b: ValueId): ValueId => this.op('Mul', { T: { type: 'int32' } }, [a, b], 1)[0]!;
    let product = symbols.map((name) => this.#sizeFeed(name)).reduce(multiply);
    if (coefficient === 1) return product;
    // Sizes are multiples of the denominator by contract (divideDim).
    const denominator = denominatorOf(coefficient);
    const numerator = Math.round(coefficient * denominator);
    if (numerator !== 1) product = multiply(product, this.dim(numerator));
    if (denominator === 1) return product;
    return this.op('FloorDiv', { T: { type: 'int32' } }, [product, this.dim(denominator)], 1)[0]!;
  }

  #sizeFeed(symbolName: string): ValueId {
    const key = `1*${symbolName}`;
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    const id = this.#placeholder(`size/${symbolName}`, 'int32', []);
    this.#sizes.set(key, id);
    this.#sizeFeeds.set(symbolName, this.#values[id]!);
    return id;
  }

  #placeholder(name: string, dtype: DType, shape: readonly number[]): ValueId {
    const node = this.#node('Placeholder', { dtype: { type: dtype }, shape: { shape } }, [], name);
    return this.#value(`${node}:0`);
  }

  #node(
    op: string,
    attrs: Readonly<Record<string, NodeAttr>>,
    inputs: readonly string[],
    name = `${op}_${this.#count}`,
    prefix = `${this.#prefix}/`,
  ): string {
    this.#count += 1;
    const full = prefix + name;
    this.#push(full, op, attrs, inputs);
    return full;
  }

  #push(name: string, op: string, attrs: Readonly<Record<string, NodeAttr>>, inputs: readonly string[] = []): void {
    this.nodes.push({ name, op, attrs, inputs: inputs.map((input) => input.replace(/:0$/, '')) });
  }

  #value(ref: string): ValueId {
    return this.#values.push(ref) - 1;
  }
}

/** The same text for the same chain. */
function functionKey(traced: Omit<GraphFunction, 'name'>): string {
  return JSON.stringify(traced, (_, value: unknown) => (value instanceof Uint8Array ? contentKey(value) : value));
}

/** Smallest number that makes the coefficient whole: up to 64, or any where the coefficient is 1/c. */
function denominatorOf(coefficient: number): number {
  for (let denominator = 1; denominator <= 64; denominator++) {
    if (Math.abs(coefficient * denominator - Math.round(coefficient * denominator)) < 1e-9) return denominator;
  }
  if (Math.abs(1 / coefficient - Math.round(1 / coefficient)) < 1e-6) return Math.round(1 / coefficient);
  throw new Error(`internal: size coefficient ${coefficient} is not a simple fraction`);
}
