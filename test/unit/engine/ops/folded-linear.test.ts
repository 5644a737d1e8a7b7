/**
 * @file Linears and their updates as one product: values beside those of two products (1e-6), gradients against finite differences
 * (1e-3 relative).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { foldedLinear, roomForRanks } from '../../../../src-main/engine/ops/folded-linear.ts';
import { frozenLinear, lowRankUpdate, type LowRankUpdate } from '../../../../src-main/engine/ops/linear.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { detach, makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const IN = 5;
/** Results narrower than the input go through one product backward, others each through its own. */
const NARROW = [4, 2, 3];
const WIDE = [5, 6, 7];
/** Of the first and the last linear; the one between has no update. */
const RANKS = [2, null, 3] as const;

type Tensors = Readonly<Record<string, Tensor>>;

const frozen = (like: Tensor, out: number): Tensor =>
  raw.constant(like.runner, drawNormal(9, 'frozen', out * IN, 1), 'float32', [out, IN]);

const inputsOf = (sizes: readonly number[]) => ({
  x: { shape: [3, IN] },
  a0: { shape: [2, IN] },
  b0: { shape: [sizes[0]!, 2] },
  s0: { shape: [sizes[0]!] },
  a2: { shape: [3, IN] },
  b2: { shape: [sizes[2]!, 3] },
});

function updatesOf(tensors: Tensors): (LowRankUpdate | null)[] {
  const parameter = (name: string) => (tensors[name] ? { leaf: tensors[name], value: tensors[name] } : null);
  return RANKS.map((rank, index) =>
    rank === null
      ? null
      : {
          a: parameter(`a${index}`)!,
          b: parameter(`b${index}`)!,
          s: parameter(`s${index}`),
          scale: index + 0.5,
        },
  );
}

function folded(x: Tensor, tensors: Tensors, sizes: readonly number[]): Tensor[] {
  const out = sizes.reduce((sum, size) => sum + size, 0);
  const room = roomForRanks(RANKS.filter((rank) => rank !== null));
  const weight = (beside: () => Tensor): Tensor => raw.concat([frozen(x, out), beside()], 1);
  return foldedLinear({ x, room, sizes, updates: updatesOf(tensors), weight });
}

const casesOf = (sizes: readonly number[]): GradientCase[] => [
  {
    title: 'three linears, one of them with a scaling vector and one without an update',
    inputs: inputsOf(sizes),
    run: (tensors) => {
      const [first, second, third] = folded(tensors['x']!, tensors, sizes) as [Tensor, Tensor, Tensor];
      return [basics.multiply(first, first), second, third];
    },
  },
  {
    title: 'an input that nothing is trained in',
    inputs: Object.fromEntries(Object.entries(inputsOf(sizes)).filter(([name]) => name !== 'x')),
    run: (tensors) => {
      const { runner } = tensors['a0']!;
      return folded(raw.constant(runner, drawNormal(4, 'x', 3 * IN, 1), 'float32', [3, IN]), tensors, sizes);
    },
  },
  {
    title: 'outputs that nobody uses',
    inputs: Object.fromEntries(Object.entries(inputsOf(sizes)).filter(([name]) => !name.endsWith('0'))),
    run: (tensors) => {
      const { runner } = tensors['x']!;
      const fixed = (name: string, shape: readonly number[]): Tensor =>
        raw.constant(runner, drawNormal(5, name, shape[0]! * shape[1]!, 1), 'float32', shape);
      return [
        folded(tensors['x']!, { ...tensors, a0: fixed('a0', [2, IN]), b0: fixed('b0', [sizes[0]!, 2]) }, sizes)[2]!,
      ];
    },
  },
];

describe.each([
  ['narrow', NARROW],
  ['wide', WIDE],
])('foldedLinear, %s', (_width, sizes) => {
  it.each(casesOf(sizes))('finite differences: $title', (options) => expectGradients(device, options));

  it('is the base with its updates', () => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const runner = new EagerRunner(device);
    const [found, wanted] = runner.runStep({}, () => {
      const tensors = Object.fromEntries(
        Object.entries(inputsOf(sizes)).map(([name, { shape }]) => {
          const values = drawNormal(
            7,
            name,
            shape.reduce((product, side) => product * side, 1),
            1,
          );
          return [name, detach(makeTensor(runner, runner.input(values, 'float32', shape), 'float32', shape))];
        }),
      );
      const x = tensors['x']!;
      const [y0, y1, y2] = frozenLinear(x, () => frozen(x, total), sizes) as [Tensor, Tensor, Tensor];
      const [u0, , u2] = updatesOf(tensors);
      const [z0, z2] = lowRankUpdate(x, [y0, y2], [u0!, u2!]) as [Tensor, Tensor];
      const read = (ys: readonly Tensor[]) => ys.flatMap(({ id }) => [...(device.tensorDataSync(id) as Float32Array)]);
      return [read(folded(x, tensors, sizes)), read([z0, y1, z2])];
    });
    runner.dispose();
    expect(found).toHaveLength(3 * total);
    found.forEach((value, index) => expect(value).toBeCloseTo(wanted[index]!, 5));
  });
});
