/**
 * @file Chains as functions of a graph: equal ones are one, nothing in them depends on sizes or variables, and their ops give what they give
 * outside.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { FunctionRunner, type FunctionValue } from '../../../../src-main/engine/compile/function-runner.ts';
import { GraphRunner } from '../../../../src-main/engine/compile/graph-runner.ts';
import type { Entry } from '../../../../src-main/engine/compile/program.ts';
import type { GraphFunction } from '../../../../src-main/engine/compile/protobuf.ts';
import { symbol } from '../../../../src-main/engine/device/dim.ts';
import type { Runner } from '../../../../src-main/engine/device/runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { fused, fusedIntoReader } from '../../../../src-main/engine/ops/fused.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun } from '../support/tiny-run.ts';

const ROWS = symbol('rows');
const SEQ = symbol('seq');
const place = await makeTestFolder();

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

/** One entry over x [rows, 4]. */
function trace(body: (x: Tensor) => Tensor, fuses = true): GraphRunner {
  const graph = new GraphRunner();
  const shape = [ROWS, 4];
  graph.traceEntry(
    'entry',
    { x: { dtype: 'float32', shape } },
    ({ x }) => ({ y: body(makeTensor(graph, x!, 'float32', shape)) }),
    fuses,
  );
  return graph;
}

const callsOf = ({ nodes }: GraphRunner): string[] =>
  nodes.flatMap(({ op, attrs }) => (op === 'PartitionedCall' ? [(attrs['f'] as { function: string }).function] : []));

const scaledSquare =
  (factor: number) =>
  (x: Tensor): Tensor =>
    fused([x], ['float32'], (value) => [raw.multiply(raw.square(value), factor)])[0]!;

describe('chains of one graph', () => {
  it('are one function where they are equal', () => {
    const graph = trace((x) => [2, 3, 2, 2].reduce((value, factor) => scaledSquare(factor)(value), x));
    expect(graph.functions.map(({ name }) => name)).toEqual(['fused_0', 'fused_1']);
    expect(callsOf(graph)).toEqual(['fused_0', 'fused_1', 'fused_0', 'fused_0']);
  });

  it('are another where their inputs have another dtype', () => {
    const graph = trace((x) => raw.cast(scaledSquare(2)(raw.cast(scaledSquare(2)(x), 'bfloat16')), 'float32'));
    expect(callsOf(graph)).toEqual(['fused_0', 'fused_1']);
    expect(graph.functions[1]!.inputs).toEqual([{ name: 'x0', dtype: 'bfloat16' }]);
    expect(graph.functions[1]!.nodes.map(({ op }) => op)).toEqual(['Cast', 'Square', 'Const', 'Mul']);
  });

  it('are single ops in an entry that does not fuse', () => {
    const graph = trace(scaledSquare(2), false);
    expect(graph.functions).toEqual([]);
    expect(callsOf(graph)).toEqual([]);
    expect(graph.nodes.map(({ op }) => op)).toContain('Square');
  });

  it('do not become more with the layers of a model', async () => {
    const graphOf = async (layers: number): Promise<GraphRunner> => {
      const { dir } = await writeRandomModel(place(`layers-${layers}`), { num_hidden_layers: layers });
      const run = await openTinyRun({ binding, dir, mode: 'eager', fuses: true });
      onTestFinished(() => run.dispose());
      const graph = new GraphRunner();
      const train = run.options.entries.find(({ name }) => name === 'train')!;
      const tensorsOf = (ids: Readonly<Record<string, number>>): Record<string, Tensor> => {
        const tensors = Object.entries(train.inputs).map(([name, { dtype, shape }]) => {
          return [name, makeTensor(graph, ids[name]!, dtype, shape)] as const;
        });
        return Object.fromEntries(tensors);
      };
      graph.traceEntry(train.name, train.inputs, (ids) => train.run(graph, tensorsOf(ids)), train.fuses);
      return graph;
    };
    const [few, many] = [await graphOf(2), await graphOf(5)];
    expect(few.functions.length).toBeGreaterThan(5);
    expect(many.functions).toEqual(few.functions);
    expect(callsOf(many).length).toBeGreaterThan(2 * callsOf(few).length);
  });
});

describe('the kernel that reads a result', () => {
  const once = (x: Tensor): Tensor => fusedIntoReader([x, raw.square(x)], 'float32', (a, b) => raw.add(a, b));

  it('does the work of the one before it', () => {
    const graph = trace((x) => scaledSquare(3)(scaledSquare(2)(once(x))));
    const readers = graph.nodes.filter(({ op }) => op === 'PartitionedCall');
    expect(readers.map(({ inputs }) => inputs.length)).toEqual([2, 2, 1]);
    expect(graph.functions[1]!.nodes.map(({ op }) => op)).toEqual(['AddV2', 'Square', 'Const', 'Mul']);
  });

  it('takes in several, each with the inputs that it brings', () => {
    const graph = trace((x) => {
      const [y] = fused([once(x), raw.negate(x), once(raw.negate(x))], ['float32'], (a, b, c) => [
        raw.subtract(raw.multiply(a, b), c),
      ]);
      return y!;
    });
    const last = graph.functions.at(-1)!;
    expect(last.inputs).toHaveLength(5);
    expect(last.nodes.map(({ op, inputs }) => [op, ...inputs])).toEqual([
      ['AddV2', 'x0', 'x1'],
      ['AddV2', 'x3', 'x4'],
      ['Mul', 'AddV2_0:z:0', 'x2'],
      ['Sub', 'Mul_2:z:0', 'AddV2_1:z:0'],
    ]);
  });

  it('is an op like any other where nothing fuses', () => {
    const graph = trace((x) => scaledSquare(2)(once(x)), false);
    expect(graph.nodes.filter(({ op }) => op === 'AddV2')).toHaveLength(1);
  });
});

describe('a chain as a function', () => {
  const traceChain = (body: (runner: Runner, x: Tensor) => readonly FunctionValue[]): Omit<GraphFunction, 'name'> =>
    FunctionRunner.trace(['float32'], (runner, [id]) =>
      body(runner, makeTensor(runner, id!, 'float32', [ROWS, SEQ, 4])),
    );

  it('has each constant once, whatever array it comes in', () => {
    const { nodes } = traceChain((runner, x) => {
      const weights = () => raw.constant(runner, Float32Array.of(1, 2, 3, 4), 'float32', [4]);
      const asColumn = raw.constant(runner, Float32Array.of(1, 2, 3, 4), 'float32', [4, 1]);
      const product = raw.multiply(raw.multiply(raw.multiply(x, weights()), weights()), 2);
      return [raw.add(product, 2), raw.multiply(asColumn, 2)];
    });
    const constants = nodes.flatMap(({ op, attrs }) => (op === 'Const' ? [attrs['value']] : []));
    expect(constants).toMatchObject([
      { tensor: { shape: [4, 1] } },
      { tensor: { shape: [4] } },
      { tensor: { shape: [] } },
    ]);
  });

  it('knows a constant as it was when it was written', () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const { nodes } = traceChain((runner) => [raw.constant(runner, values, 'float32', [4])]);
    values.fill(0);
    const { value } = nodes[0]!.attrs as unknown as { value: { tensor: { bytes: Uint8Array } } };
    expect(new Float32Array(value.tensor.bytes.buffer)).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('may leave out one unknown size of a shape', () => {
    const { nodes } = traceChain((_, x) => [raw.reshape(x, [-1, 4])]);
    expect(nodes.map(({ op }) => op)).toEqual(['Const', 'Reshape']);
  });

  it.each<[string, (runner: Runner, x: Tensor) => Tensor, string]>([
    ['an unknown size', (runner, x) => makeTensor(runner, runner.dim(ROWS), 'int32', x.shape), 'an unknown size'],
    ['a shape of two unknown sizes', (_, x) => raw.reshape(x, [ROWS, SEQ, 2, 2]), 'an unknown shape'],
    [
      'a variable',
      (runner) => makeTensor(runner, runner.read({ name: 'w', dtype: 'float32', shape: [4] }), 'float32', [4]),
      'a variable',
    ],
    [
      'a new value of a variable',
      (runner, x) => {
        runner.assign({ name: 'w', dtype: 'float32', shape: [4] }, x.id);
        return x;
      },
      'a variable',
    ],
    ['an op whose results it cannot name', (_, x) => raw.argMax(x), 'TopKV2'],
  ])('refuses %s', (_what, body, message) => {
    expect(() => traceChain((runner, x) => [body(runner, x)])).toThrow(`internal: ${message} in a fused chain`);
  });
});

/** Ops that chains are made of, each over x [rows, 4] of numbers between 0 and 1. */
const OPS: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  arithmetic: (x) => raw.subtract(raw.add(raw.multiply(x, 3), x), 0.5),
  'squares and roots': (x) => raw.rsqrt(raw.add(raw.square(x), 0.25)),
  exponentials: (x) => raw.exp(raw.negate(x)),
  'bends of activations': (x) => raw.add(raw.add(raw.sigmoid(x), raw.tanh(x)), raw.add(raw.erf(x), raw.relu(x))),
  comparisons: (x) => raw.cast(raw.compare('Greater', x, 0.5), 'float32'),
  'sums and means': (x) => raw.add(raw.sum(x, [-1], true), raw.mean(x, [-1], true)),
  'pieces put together': (x) => raw.concat([...raw.split(x, [1, 3], 1)].reverse(), 1),
  'equal pieces': (x) => raw.concat([...raw.splitEvenly(x, 2, 1)].reverse(), 1),
  'axes moved': (x) => raw.transpose(raw.reshape(x, [-1, 2, 2]), [0, 2, 1]),
  'an axis backwards': (x) => raw.reverse(raw.reshape(x, [-1, 2, 2]), 1),
  'columns laid over each other': (x) => raw.maximum(raw.takeColumns(x, 0, 3), raw.takeColumns(x, 1, 3)),
  'quotients and signs': (x) => raw.divide(raw.sign(raw.subtract(x, 0.5)), raw.add(raw.sqrt(x), 1)),
  choices: (x) => raw.select(raw.compare('Greater', x, 0.5), x, raw.negate(x)),
  bits: (x) => {
    const word = raw.bitwise('BitwiseOr', raw.bitwise('RightShift', raw.bitcast(raw.negate(x), 'int32'), 3), 5);
    return raw.cast(raw.cast(raw.bitwise('BitwiseAnd', word, 0xffff), 'uint16'), 'float32');
  },
};

describe('chains and single ops give the same, for every size', () => {
  it.each(Object.entries(OPS))('%s', (_title, op) => {
    const entry = (name: string, fuses: boolean): Entry => ({
      name,
      inputs: { x: { dtype: 'float32', shape: [ROWS, 4] } },
      fuses,
      run: (_, { x }) => ({ y: fused([x!], ['float32'], (value) => [op(value)])[0]! }),
    });
    const program = new CompiledProgram(binding, { entries: [entry('one', true), entry('single', false)], groups: {} });
    onTestFinished(() => program.dispose());
    for (const rows of [1, 2, 7, 64]) {
      const x = Float32Array.from({ length: rows * 4 }, (_, at) => ((at * 7) % 11) / 11);
      const [found, wanted] = ['one', 'single'].map((name) => program.call(name, { rows }, { x })['y'] as Float32Array);
      expect(found).toHaveLength(wanted!.length);
      found!.forEach((value, at) => expect(Math.abs(value - wanted![at]!)).toBeLessThan(1e-6));
    }
  });
});
