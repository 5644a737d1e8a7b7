/**
 * @file Writes a chain of ops down as a function of its own, which XLA makes one kernel of (`GraphRunner.fused`).
 *
 * XLA compiles a function anew for each set of sizes that it meets, so nothing in it may depend on sizes but through its arguments' shapes:
 * no symbolic dimension is turned into a number here, and no variable is read.
 */
import { type Dim, isKnown, type Shape } from '../device/dim.ts';
import type { DType } from '../device/dtype.ts';
import { contentKey } from '../device/eager-runner.ts';
import type { Attrs, HostArray, Runner, ValueId } from '../device/runner.ts';
import type { GraphFunction, GraphNode, NodeAttr } from './protobuf.ts';

/** What TensorFlow's op registry calls the results of these ops; inside functions they are told by name. */
const OUTPUT_NAMES: Readonly<Record<string, string>> = {
  ...namesOf('z', ['Mul', 'AddV2', 'Sub', 'Greater', 'Maximum', 'RealDiv', 'BitwiseAnd', 'BitwiseOr', 'RightShift']),
  ...namesOf('y', ['Square', 'Rsqrt', 'Exp', 'Sigmoid', 'Tanh', 'Neg', 'Erf', 'Sqrt', 'Sign', 'Cast', 'Transpose']),
  ...namesOf('output', [
    'Mean',
    'Sum',
    'Reshape',
    'ConcatV2',
    'SplitV',
    'Split',
    'Slice',
    'SelectV2',
    'ReverseV2',
    'Bitcast',
  ]),
  Relu: 'activations',
};

function namesOf(output: string, ops: readonly string[]): Record<string, string> {
  return Object.fromEntries(ops.map((op) => [op, output]));
}

export interface FunctionValue {
  readonly id: ValueId;
  readonly dtype: DType;
}

export class FunctionRunner implements Runner {
  readonly mode = 'graph';
  readonly writesInPlace = false;
  /** It is inside a kernel already. */
  readonly fuses = false;
  readonly #nodes: GraphNode[] = [];
  readonly #values: string[] = [];
  readonly #constants = new Map<string, ValueId>();

  /** Traces `body`. @returns the function but for its name */
  static trace(
    inputs: readonly DType[],
    body: (runner: Runner, inputs: readonly ValueId[]) => readonly FunctionValue[],
  ): Omit<GraphFunction, 'name'> {
    const runner = new FunctionRunner();
    const names = inputs.map((dtype, index) => ({ name: `x${index}`, dtype }));
    const results = body(
      runner,
      names.map(({ name }) => runner.#value(name)),
    );
    const outputs = results.map(({ id, dtype }, index) => ({ name: `y${index}`, dtype, value: runner.#values[id]! }));
    return { inputs: names, outputs, nodes: runner.#nodes };
  }

  op(name: string, attrs: Attrs, inputs: readonly ValueId[], outputs: number): ValueId[] {
    const output = OUTPUT_NAMES[name];
    if (output === undefined) throw new Error(`internal: ${name} in a fused chain`);
    const node = this.#node(
      name,
      attrs,
      inputs.map((id) => this.#values[id]!),
    );
    return Array.from({ length: outputs }, (_, index) => this.#value(`${node}:${output}:${index}`));
  }

  constant(values: HostArray, dtype: DType, shape: readonly number[]): ValueId {
    const key = `${dtype}[${shape.join(',')}]${contentKey(values)}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const node = this.#node('Const', { dtype: { type: dtype }, value: { tensor: { dtype, shape, bytes } } }, []);
    const id = this.#value(`${node}:output:0`);
    this.#constants.set(key, id);
    return id;
  }

  dim(dim: Dim): ValueId {
    if (!isKnown(dim)) throw new Error('internal: an unknown size in a fused chain');
    return this.constant(Int32Array.of(dim), 'int32', []);
  }

  shape(shape: Shape): ValueId {
    if (!shape.every(isKnown)) throw new Error('internal: an unknown shape in a fused chain');
    return this.constant(Int32Array.from(shape), 'int32', [shape.length]);
  }

  read(): ValueId {
    throw new Error('internal: a variable in a fused chain');
  }

  assign(): void {
    throw new Error('internal: a variable in a fused chain');
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

  scope<T>(work: () => T): T {
    return work();
  }

  forStep<T>(work: () => T): T {
    return work();
  }

  #node(op: string, attrs: Readonly<Record<string, NodeAttr>>, inputs: readonly string[]): string {
    const name = `${op}_${this.#nodes.length}`;
    this.#nodes.push({ name, op, attrs, inputs });
    return name;
  }

  #value(ref: string): ValueId {
    return this.#values.push(ref) - 1;
  }
}
