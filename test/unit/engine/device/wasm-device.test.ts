/**
 * @file Every op of the wasm engine beside TensorFlow's: same inputs, same outputs. f32: 1e-5 relative to the largest value (sums run in
 * another order); whole numbers, moved elements and random numbers are equal. Each case frees all it makes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import type { DType } from '../../../../src-main/engine/device/dtype.ts';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { HostArray, Runner } from '../../../../src-main/engine/device/runner.ts';
import { loadTensorFlow } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { loadWasmDevice, WASM_OPS } from '../../../../src-main/engine/device/wasm/wasm-device.ts';
import { batchMatmul, matmul } from '../../../../src-main/engine/ops/matmul.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { tensorFlowPath } from '../../../support/tensorflow.ts';

type Inputs = Readonly<Record<'x' | 'y' | 'row' | 'column' | 'positive' | 'cube' | 'deep' | 'ids' | 'labels', Tensor>>;
type Case = readonly [name: string, run: (inputs: Inputs, runner: Runner) => readonly Tensor[]];

const ROWS = 37;
const COLUMNS = 53;

const CASES: readonly Case[] = [
  ['add', ({ x, y, row, column }) => [raw.add(x, y), raw.add(x, row), raw.add(x, column), raw.add(x, 2)]],
  ['add, one column to one row', ({ row, column }) => [raw.add(row, column)]],
  ['subtract', ({ x, y, row }) => [raw.subtract(x, y), raw.subtract(row, x)]],
  ['multiply', ({ x, y, column }) => [raw.multiply(x, y), raw.multiply(x, column), raw.multiply(x, 0.1)]],
  ['divide', ({ x, positive, row }) => [raw.divide(x, positive), raw.divide(row, positive)]],
  ['maximum', ({ x, y, row, column }) => [raw.maximum(x, y), raw.maximum(x, row), raw.minimum(column, x)]],
  ['power', ({ positive }) => [raw.power(positive, 2.5), raw.power(positive, -0.8)]],
  ['whole numbers', ({ ids }) => [raw.add(ids, ids), raw.multiply(ids, 3), raw.floorDivide(ids, 4)]],
  ['square', ({ x }) => [raw.square(x), raw.abs(x), raw.sign(x), raw.negate(x), raw.relu(x)]],
  ['roots', ({ positive }) => [raw.sqrt(positive), raw.rsqrt(positive), raw.log(positive)]],
  ['exp', ({ x }) => [raw.exp(x), raw.sigmoid(x), raw.tanh(x), raw.softplus(x)]],
  ['erf, cosine', ({ x }) => [raw.erf(x), raw.cosine(x)]],
  ['compare', ({ x, y, row, ids }) => [raw.compare('Less', x, y), raw.compare('GreaterEqual', x, row), even(ids)]],
  ['logical and', ({ x, y }) => [raw.logicalAnd(raw.compare('Less', x, y), raw.compare('Greater', x, 0))]],
  ['is finite', ({ x }) => [raw.isFinite(raw.log(x)), raw.isFinite(x)]],
  [
    'select',
    ({ x, y, row }) => [raw.select(raw.compare('Less', x, 0), x, y), raw.select(raw.compare('Less', row, 0), x, y)],
  ],
  [
    'select by one value',
    ({ x, y, row }, runner) => [1, 0].map((v) => raw.select(truth(runner, v), v ? x : row, v ? y : x)),
  ],
  [
    'cast',
    ({ x, ids }) => [raw.cast(ids, 'float32'), raw.cast(raw.compare('Less', x, 0), 'float32'), raw.cast(x, 'int32')],
  ],
  ['reshape', ({ cube }) => [raw.reshape(cube, [-1, 5]), raw.reshape(cube, [5, 4, 3, 2])]],
  [
    'transpose',
    ({ x, cube }) =>
      [
        [3, 2, 1, 0],
        [0, 2, 1, 3],
        [1, 0, 3, 2],
        [0, 1, 3, 2],
        [2, 3, 0, 1],
      ]
        .map((order) => raw.transpose(cube, order))
        .concat(raw.transpose(x, [1, 0])),
  ],
  ['transpose of long rows', ({ deep }) => [raw.transpose(deep, [0, 2, 1, 3]), raw.transpose(deep, [2, 0, 1, 3])]],
  ['concat', ({ x, y, cube }) => [raw.concat([x, y], 0), raw.concat([x, y, x], 1), raw.concat([cube, cube], 2)]],
  [
    'split',
    ({ x, deep }) => [...raw.split(x, [3, 50], 1), ...raw.split(x, [30, 7], 0), ...raw.splitEvenly(deep, 2, 3)],
  ],
  ['slice', ({ x, deep }) => [raw.sliceAxis(x, 0, 4, 9), raw.sliceAxis(x, 1, 50, 2), raw.sliceAxis(deep, 2, 1, 2)]],
  ['gather', ({ x, ids, cube }) => [raw.gatherRows(x, ids), raw.gatherRows(cube, raw.floorDivide(ids, 20))]],
  ['scatter', ({ x, ids }) => [raw.scatterAddRows(raw.gatherRows(x, ids), ids, ROWS)]],
  [
    'sums',
    ({ x, cube }) => [
      raw.sum(x, [0]),
      raw.sum(x, [-1], true),
      raw.sumAll(x),
      raw.sum(cube, [1, 2]),
      raw.sum(cube, [0, 2]),
    ],
  ],
  [
    'means and maxima',
    ({ x, cube }) => [raw.mean(x, [1]), raw.mean(cube, [0, 1], true), raw.reduceMax(x, [1]), raw.reduceMax(cube, [0])],
  ],
  ['softmax', ({ x, cube }) => [raw.softmax(x), raw.softmax(raw.multiply(cube, 30))]],
  [
    'elements by place',
    ({ x, labels, column }, runner) => {
      const places = placesOf(runner, labels);
      return [raw.gatherElements(x, places), raw.updateAt(x, places, raw.reshape(column, [ROWS]))];
    },
  ],
  ['reverse', ({ cube }) => [raw.reverse(cube, 0), raw.reverse(cube, 2), raw.reverse(cube, 3)]],
  [
    'range, fill, pack',
    (_, runner) => [
      raw.range(runner, 7),
      raw.fill(runner, [3, 2], 0.5),
      raw.pack([raw.scalar(runner, 1), raw.scalar(runner, 2)]),
    ],
  ],
  [
    'largest place, the first of several',
    ({ x, cube }) => [raw.argMax(x), raw.argMax(cube), raw.argMax(raw.cast(raw.compare('Greater', x, 0), 'float32'))],
  ],
  [
    'random',
    (_, runner) =>
      [
        [42, 0],
        [-7, 3],
        [2147483647, -1],
      ].map((seed) => raw.randomUniform(runner, [3, 7], raw.constant(runner, Int32Array.from(seed), 'int32', [2]))),
  ],
  [
    'matrix products',
    ({ x, y }) => [
      matmul(x, y, { transposeB: true }),
      matmul(x, y, { transposeA: true }),
      matmul(x, raw.transpose(y, [1, 0])),
    ],
  ],
  [
    'matrix products of one row and one column',
    ({ x, row, column }) => [
      matmul(row, x, { transposeB: true }),
      matmul(column, x, { transposeA: true }),
      matmul(column, row),
      matmul(raw.transpose(x, [1, 0]), x, { transposeA: true, transposeB: true }),
    ],
  ],
  [
    'batched products',
    ({ deep }) => [
      batchMatmul(deep, deep, { transposeB: true }),
      batchMatmul(deep, deep, { transposeA: true }),
      batchMatmul(deep, raw.transpose(deep, [0, 1, 3, 2])),
    ],
  ],
];

const even = (ids: Tensor): Tensor => raw.compare('Equal', raw.multiply(raw.floorDivide(ids, 2), 2), ids);
const truth = (runner: Runner, value: number): Tensor => raw.compare('Greater', raw.scalar(runner, value), 0);

/** One element of each row, [ROWS, 2]. */
function placesOf(runner: Runner, columns: Tensor): Tensor {
  return raw.concat([raw.reshape(raw.range(runner, ROWS), [-1, 1]), raw.reshape(columns, [-1, 1])], 1);
}

let devices: { tensorflow: Device; wasm: Device };

beforeAll(async () => {
  devices = { tensorflow: loadTensorFlow({ bindingPath: await tensorFlowPath() }), wasm: await loadWasmDevice() };
});

/** Seeded numbers between -1 and 1. */
function numbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function makeInputs(runner: EagerRunner): Inputs {
  const input = (values: HostArray, shape: readonly number[], dtype: DType = 'float32') =>
    makeTensor(runner, runner.input(values, dtype, shape), dtype, shape);
  return {
    x: input(numbers(ROWS * COLUMNS, 1), [ROWS, COLUMNS]),
    y: input(numbers(ROWS * COLUMNS, 2), [ROWS, COLUMNS]),
    row: input(numbers(COLUMNS, 3), [1, COLUMNS]),
    column: input(numbers(ROWS, 4), [ROWS, 1]),
    positive: input(
      numbers(ROWS * COLUMNS, 5).map((value) => Math.abs(value) + 0.01),
      [ROWS, COLUMNS],
    ),
    cube: input(numbers(120, 6), [2, 3, 4, 5]),
    deep: input(numbers(2 * 3 * 5 * 34, 7), [2, 3, 5, 34]),
    ids: input(
      Int32Array.from(numbers(41, 8), (value) => Math.floor((value + 1) * 18)),
      [41],
      'int32',
    ),
    labels: input(
      Int32Array.from(numbers(ROWS, 9), (value) => Math.floor((value + 1) * 26)),
      [ROWS],
      'int32',
    ),
  };
}

function runOn(device: Device, run: Case[1]): { data: number[]; dtype: DType; shape: number[] }[] {
  const runner = new EagerRunner(device);
  const outputs = runner.runStep({}, () =>
    run(makeInputs(runner), runner).map(({ id, dtype, shape }) => ({
      data: Array.from(device.tensorDataSync(id) as Float32Array, Number),
      dtype,
      shape: shape.map(Number),
    })),
  );
  runner.dispose();
  return outputs;
}

test.each(CASES)('%s', (_name, run) => {
  const before = devices.wasm.getNumOfTensors();
  const [wanted, found] = [runOn(devices.tensorflow, run), runOn(devices.wasm, run)];
  expect(devices.wasm.getNumOfTensors()).toBe(before);
  expect(found.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
  for (const [index, { data, dtype }] of wanted.entries()) {
    if (dtype !== 'float32') expect(found[index]!.data).toEqual(data);
    const size = data.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1e-30);
    const worst = data.map((value, at) =>
      Object.is(value, found[index]!.data[at]) ? 0 : Math.abs(value - found[index]!.data[at]!),
    );
    expect(Math.max(...worst) / size).toBeLessThan(1e-5);
  }
});

test('random numbers are equal bit for bit', () => {
  const run: Case[1] = (_, runner) => [
    raw.randomUniform(runner, [1001], raw.constant(runner, Int32Array.of(-123456789, 77), 'int32', [2])),
  ];
  expect(runOn(devices.wasm, run)).toEqual(runOn(devices.tensorflow, run));
});

/** Part of compiled programs only (recipes/fold-updates.ts), and this engine compiles nothing. */
const COMPILED_ONLY = new Set(['InplaceUpdate']);

test('every op that the engine names is there', () => {
  const root = path.resolve(import.meta.dirname, '../../../../src-main/engine');
  const sources = ['ops', 'nn', 'loss', 'optim', 'steps', 'models', 'weights'].flatMap((folder) =>
    readdirSync(path.join(root, folder)).map((file) => readFileSync(path.join(root, folder, file), 'utf8')),
  );
  const called = sources.flatMap((text) =>
    [...text.matchAll(/(?:\bapply\(\s*[\w.]+,|\.op\(|\b(?:unary|binary|reduce)\()\s*'(\w+)'/g)].map(
      ([, name]) => name!,
    ),
  );
  expect(called.length).toBeGreaterThan(40);
  expect([...new Set(called)].filter((name) => !(name in WASM_OPS) && !COMPILED_ONLY.has(name))).toEqual([]);
});
