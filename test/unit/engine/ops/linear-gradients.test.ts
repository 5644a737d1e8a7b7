/**
 * @file Gradients of linear layers and their low-rank updates against finite differences, 1e-3 relative.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { doraUpdate } from '../../../../src-main/engine/ops/dora.ts';
import {
  addBias,
  frozenLinear,
  lowRankUpdate,
  type LowRankUpdate,
  type Parameter,
  trainableLinear,
} from '../../../../src-main/engine/ops/linear.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { asLeaf, gradients, makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const IN = 5;
const parameter = (tensor: Tensor | undefined): Parameter => ({ leaf: tensor!, value: tensor! });

/** A constant weight, [out, IN]. */
const frozen = (like: Tensor, out: number): Tensor =>
  raw.constant(like.runner, drawNormal(9, 'frozen', out * IN, 1), 'float32', [out, IN]);

const updateOf = (
  tensors: Readonly<Record<string, Tensor>>,
  index: number,
  scale: number,
  hasVector = false,
): LowRankUpdate => ({
  a: parameter(tensors[`a${index}`]),
  b: parameter(tensors[`b${index}`]),
  s: hasVector ? parameter(tensors[`s${index}`]) : null,
  scale,
});

const pair = (index: number, rank: number, out: number) => ({
  [`a${index}`]: { shape: [rank, IN] },
  [`b${index}`]: { shape: [out, rank] },
});

const LINEARS: GradientCase[] = [
  {
    title: 'frozenLinear: x through three stacked weights',
    inputs: { x: { shape: [3, IN] } },
    run: ({ x }) => {
      const [first, second, third] = frozenLinear(x!, () => frozen(x!, 2 + 4 + 1), [2, 4, 1]);
      return [basics.multiply(first!, third!), second!];
    },
  },
  {
    title: 'frozenLinear: outputs that nobody uses',
    inputs: { x: { shape: [3, IN] } },
    run: ({ x }) => [frozenLinear(x!, () => frozen(x!, 7), [2, 4, 1])[1]!],
  },
  {
    title: 'trainableLinear with a bias',
    inputs: { x: { shape: [3, IN] }, w: { shape: [4, IN] }, bias: { shape: [4] } },
    run: ({ x, w, bias }) => [addBias(trainableLinear(x!, parameter(w)), parameter(bias))],
  },
  {
    title: 'trainableLinear: a weight used twice',
    inputs: { x: { shape: [3, IN] }, w: { shape: [IN, IN] } },
    run: ({ x, w }) => [trainableLinear(trainableLinear(x!, parameter(w)), parameter(w))],
  },
];

const UPDATES: GradientCase[] = [
  {
    title: 'one update',
    inputs: { x: { shape: [3, IN] }, y0: { shape: [3, 4] }, ...pair(0, 2, 4) },
    run: (tensors) => lowRankUpdate(tensors['x']!, [tensors['y0']!], [updateOf(tensors, 0, 1.5)]),
  },
  {
    title: 'three updates of different ranks that share an input',
    inputs: {
      x: { shape: [3, IN] },
      y0: { shape: [3, 4] },
      y1: { shape: [3, 2] },
      y2: { shape: [3, 3] },
      ...pair(0, 1, 4),
      ...pair(1, 3, 2),
      ...pair(2, 2, 3),
    },
    run: (tensors) =>
      lowRankUpdate(
        tensors['x']!,
        [0, 1, 2].map((index) => tensors[`y${index}`]!),
        [0.5, 2, 1].map((scale, index) => updateOf(tensors, index, scale)),
      ),
  },
  {
    title: 'a scaling vector beside a plain update',
    inputs: {
      x: { shape: [3, IN] },
      y0: { shape: [3, 4] },
      y1: { shape: [3, 2] },
      ...pair(0, 2, 4),
      s0: { shape: [4] },
      ...pair(1, 3, 2),
    },
    run: (tensors) =>
      lowRankUpdate(
        tensors['x']!,
        [tensors['y0']!, tensors['y1']!],
        [updateOf(tensors, 0, 0.8, true), updateOf(tensors, 1, 1.25)],
      ),
  },
  {
    title: 'an update whose output is used twice, on a masked input',
    inputs: { x: { shape: [2, IN] }, y0: { shape: [2, 4] }, ...pair(0, 2, 4) },
    run: (tensors) => {
      const { x } = tensors;
      const values = Float32Array.of(0, 2, 2, 0, 2, 2, 0, 2, 0, 2);
      const masked = basics.applyMask(x!, raw.constant(x!.runner, values, 'float32', [2, IN]));
      const [y] = lowRankUpdate(masked, [tensors['y0']!], [updateOf(tensors, 0, 1.5)]);
      return [basics.multiply(y!, y!), y!];
    },
  },
  ...[false, true].map((isMasked): GradientCase => ({
    title: `DoRA, the norm a constant${isMasked ? ', with dropout on the update' : ''}`,
    inputs: {
      x: { shape: [3, IN] },
      base: { shape: [3, 4] },
      ...pair(0, 2, 4),
      m: { shape: [4] },
    },
    run: (tensors, fixed) => {
      const { x, base, m } = tensors;
      const ones = Float32Array.from({ length: 3 * IN }, (_, place) => (place % 4 === 0 ? 0 : 4 / 3));
      const mask = isMasked ? raw.constant(x!.runner, ones, 'float32', [3, IN]) : null;
      // The norm is taken over the leaves, the product over the values: only the latter are moved.
      const still = (name: string): Parameter => ({
        leaf: tensors[name]!.isLeaf ? tensors[name]! : fixed[name]!,
        value: tensors[name]!,
      });
      const update = { a: still('a0'), b: still('b0'), s: null, scale: 1.5 };
      const weight = (): Tensor => frozen(x!, 4);
      return [doraUpdate({ x: x!, base: base!, mask, update, magnitude: parameter(m), weight })];
    },
  })),
];

describe('finite differences', () => {
  it.each([...LINEARS, ...UPDATES])('$title', (options) => expectGradients(device, options));
});

describe('updates that share an input', () => {
  it('get no gradient where their output is not used', () => {
    const runner = new EagerRunner(device);
    const found = runner.runStep({}, () => {
      const leaf = (shape: readonly number[]): Tensor => {
        const size = shape.reduce((product, side) => product * side, 1);
        return asLeaf(
          makeTensor(runner, runner.input(new Float32Array(size).fill(1), 'float32', shape), 'float32', shape),
        );
      };
      const tensors = { a0: leaf([2, IN]), b0: leaf([4, 2]), a1: leaf([3, IN]), b1: leaf([2, 3]) };
      const updates = [updateOf(tensors, 0, 1), updateOf(tensors, 1, 1)];
      const [y] = lowRankUpdate(leaf([3, IN]), [leaf([3, 4]), leaf([3, 2])], updates);
      const root = { value: y!, gradient: raw.fill(runner, [3, 4], 1) };
      const grads = gradients([root], Object.values(tensors), basics.sumGradients);
      return grads.map((gradient) => gradient && [...(device.tensorDataSync(gradient.id) as Float32Array)]);
    });
    runner.dispose();
    // y = sum over inputs: dA = 4 outputs x 3 tokens, dB = 5 inputs x 3 tokens.
    expect(found).toEqual([Array(2 * IN).fill(12), Array(4 * 2).fill(15), null, null]);
  });
});
