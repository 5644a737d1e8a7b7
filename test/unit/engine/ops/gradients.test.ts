/**
 * @file Gradients of the small ops against finite differences, 1e-3 relative.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { activation, ACTIVATIONS, findActivation } from '../../../../src-main/engine/ops/activation.ts';
import { headsFirst } from '../../../../src-main/engine/nn/batch.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { embeddingUpdate, takeRows, trainableEmbedding } from '../../../../src-main/engine/ops/embedding.ts';
import { gatedActivation } from '../../../../src-main/engine/ops/gated-activation.ts';
import { layerNorm } from '../../../../src-main/engine/ops/layer-norm.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { rmsNorm } from '../../../../src-main/engine/ops/rms-norm.ts';
import { rotary } from '../../../../src-main/engine/ops/rotary.ts';
import { softcap } from '../../../../src-main/engine/ops/softcap.ts';
import type { Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

/** Away from the kink of relu by more than the steps of the stencil. */
const AROUND_ZERO = [-2.1, -1.2, -0.6, -0.3, 0.2, 0.35, 0.8, 1.4, 2.3, -0.9, 3.1, -3.2, 0.5, 1.9, -1.7];

const ids = (like: Tensor, values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  raw.constant(like.runner, Int32Array.from(values), 'int32', shape);

const BASICS: GradientCase[] = [
  {
    title: 'add of equal shapes',
    inputs: { a: { shape: [3, 5] }, b: { shape: [3, 5] } },
    run: ({ a, b }) => [basics.add(a!, b!)],
  },
  {
    title: 'add with a vector broadcast over rows',
    inputs: { a: { shape: [3, 5] }, b: { shape: [5] } },
    run: ({ a, b }) => [basics.add(a!, b!)],
  },
  {
    title: 'add with both sides broadcast',
    inputs: { a: { shape: [2, 1, 5] }, b: { shape: [3, 1] } },
    run: ({ a, b }) => [basics.add(a!, b!)],
  },
  {
    title: 'add of a value to itself',
    inputs: { a: { shape: [3, 5] } },
    run: ({ a }) => [basics.add(a!, a!)],
  },
  {
    title: 'multiply with both sides broadcast',
    inputs: { a: { shape: [2, 1, 5] }, b: { shape: [3, 1] } },
    run: ({ a, b }) => [basics.multiply(a!, b!)],
  },
  {
    title: 'multiply with a scalar',
    inputs: { a: { shape: [3, 5] }, b: { shape: [] } },
    run: ({ a, b }) => [basics.multiply(a!, b!)],
  },
  {
    title: 'multiply of a value with itself',
    inputs: { a: { shape: [7] } },
    run: ({ a }) => [basics.multiply(a!, a!)],
  },
  {
    title: 'addToStream, scale, reshape, transpose',
    inputs: { a: { shape: [6, 5] }, b: { shape: [2, 3, 5] } },
    run: ({ a, b }) => {
      const sum = basics.addToStream(a!, basics.reshape(basics.scale(b!, -0.7), [6, 5]));
      return [basics.multiply(basics.transpose(basics.reshape(sum, [3, 2, 5]), [2, 0, 1]), sumTo(sum, [5, 3, 2]))];
    },
  },
  {
    title: 'split with one piece unused, and concat',
    inputs: { a: { shape: [3, 7] }, b: { shape: [3, 2] } },
    run: ({ a, b }) => {
      const [first, , last] = basics.split(a!, [2, 1, 4], 1);
      return [basics.concat([last!, basics.multiply(first!, first!), b!], 1)];
    },
  },
  {
    title: 'a value that three ops use',
    inputs: { a: { shape: [4, 3] }, b: { shape: [3] } },
    run: ({ a, b }) => {
      const shared = basics.multiply(a!, b!);
      return [basics.add(basics.multiply(shared, shared), basics.scale(shared, 3)), basics.reshape(shared, [12])];
    },
  },
  {
    title: 'applyMask',
    inputs: { a: { shape: [2, 4] } },
    run: ({ a }) => {
      const mask = raw.constant(a!.runner, Float32Array.of(0, 2, 2, 0, 2, 0, 0, 2), 'float32', [2, 4]);
      return [basics.applyMask(basics.multiply(a!, a!), mask)];
    },
  },
  ...ACTIVATIONS.flatMap((kind): GradientCase[] => [
    {
      title: `activation ${kind}`,
      inputs: { x: { shape: [3, 5], values: AROUND_ZERO } },
      run: ({ x }) => [activation(x!, kind)],
    },
    {
      title: `gated activation ${kind}`,
      inputs: { gate: { shape: [3, 5], values: AROUND_ZERO }, up: { shape: [3, 5] } },
      run: ({ gate, up }) => [gatedActivation(gate!, up!, kind)],
    },
  ]),
];

/** A value of that shape made of x, so that both factors of a product depend on it. */
const sumTo = (x: Tensor, shape: readonly number[]): Tensor => basics.reshape(basics.scale(x, 0.5), shape);

const LAYERS: GradientCase[] = [
  ...[false, true].flatMap((addOne): GradientCase[] => [
    {
      title: `rmsNorm, addOne ${String(addOne)}`,
      inputs: { x: { shape: [3, 7] }, weight: { shape: [7] } },
      run: ({ x, weight }) => [rmsNorm(x!, weight!, { eps: 1e-2, dtype: 'float32', addOne }).out],
    },
    {
      title: `rmsNorm over heads, addOne ${String(addOne)}`,
      inputs: { x: { shape: [2, 3, 2, 6] }, weight: { shape: [6] } },
      run: ({ x, weight }) => [rmsNorm(x!, weight!, { eps: 1e-6, dtype: 'float32', addOne }).out],
    },
  ]),
  {
    title: 'rmsNorm of a value that is normed twice',
    inputs: { x: { shape: [3, 8] }, weight: { shape: [8] } },
    run: ({ x, weight }) => {
      const once = rmsNorm(x!, weight!, { eps: 1e-3, dtype: 'float32' }).out;
      return [rmsNorm(once, weight!, { eps: 1e-3, dtype: 'float32' }).out];
    },
  },
  {
    title: 'layerNorm with a bias, over three axes',
    inputs: { x: { shape: [2, 3, 7] }, weight: { shape: [7] }, bias: { shape: [7] } },
    run: ({ x, weight, bias }) => [layerNorm(x!, weight!, bias!, { eps: 1e-2, dtype: 'float32' }).out],
  },
  {
    title: 'layerNorm without a bias, of a value that is normed twice',
    inputs: { x: { shape: [3, 8] }, weight: { shape: [8] } },
    run: ({ x, weight }) => {
      const once = layerNorm(x!, weight!, null, { eps: 1e-3, dtype: 'float32' }).out;
      return [layerNorm(once, weight!, null, { eps: 1e-3, dtype: 'float32' }).out];
    },
  },
  {
    title: 'rmsNorm and the value it was taken of',
    inputs: { x: { shape: [3, 8] }, weight: { shape: [8] } },
    run: ({ x, weight }) => {
      const { out, x: same } = rmsNorm(x!, weight!, { eps: 1e-3, dtype: 'float32' });
      return [out, basics.multiply(same, out), same];
    },
  },
  {
    title: 'the value that an rmsNorm was taken of, alone',
    inputs: { x: { shape: [3, 8] } },
    run: ({ x }) => {
      const weight = raw.fill(x!.runner, [8], 2);
      const { x: same } = rmsNorm(x!, weight, { eps: 1e-3, dtype: 'float32' });
      return [basics.multiply(same, same)];
    },
  },
  {
    title: 'layerNorm and the value it was taken of',
    inputs: { x: { shape: [3, 8] }, weight: { shape: [8] }, bias: { shape: [8] } },
    run: ({ x, weight, bias }) => {
      const { out, x: same } = layerNorm(x!, weight!, bias!, { eps: 1e-3, dtype: 'float32' });
      return [out, basics.multiply(same, out), same];
    },
  },
  {
    title: 'softcap',
    inputs: { x: { shape: [4, 5] } },
    run: ({ x }) => [softcap(basics.scale(x!, 2), 1.5)],
  },
  {
    title: 'rotary over the whole head',
    inputs: { x: { shape: [2, 3, 2, 6] } },
    run: ({ x }) => {
      const { cos, sin } = angles(x!, 3, 6);
      return [rotary(x!, cos, sin)];
    },
  },
  {
    title: 'rotary over a part of the head',
    inputs: { x: { shape: [1, 3, 2, 7] } },
    run: ({ x }) => {
      const { cos, sin } = angles(x!, 3, 4);
      const [turned, rest] = basics.split(x!, [4, 3], 3);
      return [basics.concat([rotary(turned!, cos, sin), headsFirst(rest!)], 3)];
    },
  },
  {
    title: 'trainableEmbedding with repeated ids',
    inputs: { table: { shape: [5, 3] } },
    run: ({ table }, fixed) => {
      const rows = trainableEmbedding(
        { leaf: table!, value: table! },
        ids(fixed['table']!, [4, 0, 4, 4, 1, 2], [2, 3]),
        null,
      );
      return [basics.multiply(rows, rows)];
    },
  },
  ...[false, true].map((hasScaling): GradientCase => ({
    title: `embeddingUpdate with repeated ids${hasScaling ? ' and a scaling vector' : ''}`,
    inputs: {
      rows: { shape: [2, 3, 4] },
      a: { shape: [2, 5] },
      b: { shape: [4, 2] },
      ...(hasScaling && { s: { shape: [4] } }),
    },
    run: ({ rows, a, b, s }, fixed) => {
      const parameter = (leaf: Tensor) => ({ leaf, value: leaf });
      const places = ids(fixed['a']!, [4, 0, 4, 4, 1, 2], [2, 3]);
      const update = { a: parameter(a!), b: parameter(b!), s: s ? parameter(s) : null, scale: 0.7 };
      const out = embeddingUpdate(rows!, places, update, null);
      return [basics.multiply(out, out)];
    },
  })),
  {
    title: 'takeRows with a row taken twice and one never',
    inputs: { x: { shape: [4, 3] } },
    run: ({ x }) => [takeRows(basics.multiply(x!, x!), ids(x!, [3, 0, 3, 1, 3]))],
  },
];

/** cos and signed sin of some angles, [1, seq, 1, width]. */
function angles(like: Tensor, seq: number, width: number): { cos: Tensor; sin: Tensor } {
  const half = width / 2;
  const angle = (place: number): number => Math.floor(place / width) * 0.7 ** (place % half) + 0.2;
  const table = (value: (place: number) => number): Tensor => {
    const values = Float32Array.from({ length: seq * width }, (_, place) => value(place));
    return raw.constant(like.runner, values, 'float32', [1, seq, 1, width]);
  };
  return {
    cos: table((place) => Math.cos(angle(place))),
    sin: table((place) => Math.sin(angle(place)) * (place % width < half ? -1 : 1)),
  };
}

describe('finite differences', () => {
  it.each([...BASICS, ...LAYERS])('$title', (options) => expectGradients(device, options));
});

describe('activations', () => {
  it('answer to Hugging Face’s names', () => {
    expect(['silu', 'swish', 'gelu_pytorch_tanh', 'gelu_new', 'gelu'].map(findActivation)).toEqual([
      ...['silu', 'silu', 'gelu_new', 'gelu_new', 'gelu'],
    ]);
    expect(findActivation('mish')).toBeNull();
  });
});
