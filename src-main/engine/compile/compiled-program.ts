/**
 * @file Traces every entry once into one TensorFlow graph and runs them in one session that owns the variables.
 *
 * What is fed and fetched is fixed per entry and per group, because TensorFlow prepares the graph anew for each new set. Values
 * enter variables through placeholders, without a copy.
 */
import { evaluateDim } from '../device/dim.ts';
import { uploadTensor } from '../device/eager-runner.ts';
import type { HostArray, ValueId } from '../device/runner.ts';
import type { TensorFlowBinding } from '../device/tensorflow-binding.ts';
import { makeTensor } from '../ops/tensor.ts';
import { GraphRunner, type TracedEntry } from './graph-runner.ts';
import { loadGraph } from './load-graph.ts';
import { productSumDTypes } from './product-sums.ts';
import { type Entry, type HostResult, inputOf, type Program, type ProgramOptions, type Sizes } from './program.ts';

export class CompiledProgram implements Program {
  readonly mode = 'compiled';
  readonly fuses: boolean;
  readonly #binding: TensorFlowBinding;
  readonly #options: ProgramOptions;
  readonly #entries: ReadonlyMap<string, TracedEntry>;
  readonly #initializers: ReadonlyMap<string, string>;
  readonly #session: number;

  /** Traces and loads the graph. No variable has a value yet. */
  constructor(binding: TensorFlowBinding, options: ProgramOptions) {
    this.#binding = binding;
    this.#options = options;
    this.fuses = options.entries.some(({ fuses }) => fuses);
    const isGpu = binding.isUsingGpuDevice();
    const graph = new GraphRunner({ isGpu, productSums: productSumDTypes(binding) });
    const groups = Object.entries(options.groups).filter(([, variables]) => variables.length > 0);
    for (const [, variables] of groups) for (const variable of variables) graph.declare(variable);
    this.#initializers = new Map(
      groups.map(([group, variables]) => {
        const names = variables.map(({ name }) => name);
        return [group, graph.addInitializer(group, names)];
      }),
    );
    this.#entries = new Map(options.entries.map((entry) => [entry.name, traceEntry(graph, entry)]));
    this.#session = loadGraph(binding, graph);
  }

  /** With `keep` the ids stay the caller's; the memory is shared, not copied. */
  setVariables(group: string, values: ReadonlyMap<string, ValueId>, { keep = false } = {}): void {
    const variables = this.#options.groups[group] ?? [];
    if (variables.length === 0) return;
    const ids = variables.map(({ name }) => {
      const id = values.get(name);
      if (id === undefined) throw new Error(`internal: no value for the variable ${name}`);
      return id;
    });
    const feeds = variables.map(({ name }) => `initial/${name}:0`);
    this.#run(ids, feeds, [this.#initializers.get(group)!]).forEach((id) => this.#binding.deleteTensor(id));
    for (const id of keep ? [] : ids) this.#binding.deleteTensor(id);
  }

  readVariables(group: string): Map<string, Float32Array<ArrayBuffer>> {
    const names = (this.#options.groups[group] ?? []).map(({ name }) => name);
    if (names.length === 0) return new Map();
    const ids = this.#run(
      [],
      [],
      names.map((name) => `get/${name}:0`),
    );
    return new Map(names.map((name, index) => [name, new Float32Array(this.#take(ids[index]!) as Float32Array)]));
  }

  call(name: string, sizes: Sizes, inputs: Readonly<Record<string, HostArray>>): Record<string, HostResult> {
    const entry = inputOf(this.#options.entries, name);
    const traced = this.#entries.get(name)!;
    const feeds: string[] = [];
    const ids: ValueId[] = [];
    try {
      for (const [input, place] of traced.feeds) {
        const { dtype, shape } = entry.inputs[input]!;
        feeds.push(place);
        ids.push(
          uploadTensor(
            this.#binding,
            inputs[input]!,
            dtype,
            shape.map((dim) => evaluateDim(dim, sizes)),
          ),
        );
      }
      for (const [symbolName, place] of traced.sizes) {
        feeds.push(place);
        ids.push(
          uploadTensor(
            this.#binding,
            Int32Array.of(evaluateDim({ coefficient: 1, symbols: [symbolName] }, sizes)),
            'int32',
            [],
          ),
        );
      }
      const results = this.#run(ids, feeds, [...traced.fetches.values()]);
      return Object.fromEntries(
        [...traced.fetches.keys()].map((output, index) => [output, this.#take(results[index]!)]),
      );
    } finally {
      for (const id of ids) this.#binding.deleteTensor(id);
    }
  }

  dispose(): void {
    this.#binding.deleteSavedModel(this.#session);
  }

  #run(ids: readonly ValueId[], feeds: readonly string[], fetches: readonly string[]): ValueId[] {
    const results = this.#binding.runSavedModel(this.#session, ids, feeds.join(','), fetches.join(','));
    return results.map(({ id }) => id);
  }

  #take(id: ValueId): HostResult {
    const data = this.#binding.tensorDataSync(id) as HostResult;
    this.#binding.deleteTensor(id);
    return data;
  }
}

function traceEntry(graph: GraphRunner, entry: Entry): TracedEntry {
  const trace = (ids: Readonly<Record<string, ValueId>>) => {
    const tensors = Object.fromEntries(
      Object.entries(entry.inputs).map(([name, { dtype, shape }]) => [
        name,
        makeTensor(graph, ids[name]!, dtype, shape),
      ]),
    );
    return entry.run(graph, tensors);
  };
  return graph.traceEntry(entry.name, entry.inputs, trace, entry.fuses);
}
