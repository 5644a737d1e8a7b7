/**
 * @file Attention: gradients against finite differences (1e-3 relative), values against the formula written out in f64.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { headsFirst } from '../../../../src-main/engine/nn/batch.ts';
import { attention, type AttentionOptions } from '../../../../src-main/engine/ops/attention.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

interface AttentionCase extends AttentionOptions {
  readonly title: string;
  readonly sizes: Sizes;
  /** Whether the query may look at the key. */
  readonly sees: (batch: number, head: number, query: number, key: number) => boolean;
  /** Axes of the mask that are 1: the batch, the heads. */
  readonly shared: readonly [batch: boolean, heads: boolean];
}

const SMALL: Sizes = { batch: 2, queries: 3, keys: 3, heads: 4, kvHeads: 2, headDim: 3 };
const causal = (_batch: number, _head: number, query: number, key: number): boolean => key <= query;

const CASES: AttentionCase[] = [
  { title: 'grouped heads, causal', sizes: SMALL, sees: causal, shared: [true, true], scale: 0.6 },
  {
    title: 'one key/value head, masks by row of the batch',
    sizes: { ...SMALL, kvHeads: 1 },
    sees: (batch, head, query, key) => causal(batch, head, query, key) && (batch === 0 || key > 0 || query === 0),
    shared: [false, true],
    scale: 1,
  },
  {
    title: 'as many key/value heads as heads, soft cap, masks by head',
    sizes: { ...SMALL, kvHeads: 4 },
    sees: (batch, head, query, key) => causal(batch, head, query, key) || head === 1,
    shared: [true, false],
    scale: 0.9,
    softcap: 1.5,
  },
  {
    title: 'more keys than queries, soft cap',
    sizes: { batch: 1, queries: 2, keys: 5, heads: 6, kvHeads: 2, headDim: 2 },
    sees: (_batch, _head, query, key) => key <= query + 3,
    shared: [true, true],
    scale: 0.7,
    softcap: 0.8,
  },
  ...[2, 4].map((parts): AttentionCase => ({
    title: `in ${parts} parts, grouped heads, packed rows`,
    sizes: { ...SMALL, queries: 8, keys: 8 },
    sees: (_batch, _head, query, key) => key <= query && Math.floor(key / 3) === Math.floor(query / 3),
    shared: [false, true],
    scale: 0.6,
    parts,
  })),
  {
    title: 'in two parts, soft cap, masks by head',
    sizes: { ...SMALL, queries: 4, keys: 4 },
    sees: (_batch, head, query, key) => key <= query && (head > 0 || query - key < 2),
    shared: [true, false],
    scale: 0.9,
    softcap: 1.5,
    parts: 2,
  },
];

function maskValues({ sizes, sees, shared }: AttentionCase): { values: Float32Array<ArrayBuffer>; shape: number[] } {
  const shape = [shared[0] ? 1 : sizes.batch, shared[1] ? 1 : sizes.heads, sizes.queries, sizes.keys];
  const values: number[] = [];
  for (let batch = 0; batch < shape[0]!; batch += 1) {
    for (let head = 0; head < shape[1]!; head += 1) {
      for (let query = 0; query < sizes.queries; query += 1) {
        for (let key = 0; key < sizes.keys; key += 1) values.push(sees(batch, head, query, key) ? 0 : -1e9);
      }
    }
  }
  return { values: Float32Array.from(values), shape };
}

const shapesOf = ({ batch, queries, keys, heads, kvHeads, headDim }: Sizes) => ({
  q: { shape: [batch, queries, heads, headDim] },
  k: { shape: [batch, keys, kvHeads, headDim] },
  v: { shape: [batch, keys, kvHeads, headDim] },
});

function maskOf(like: Tensor, options: AttentionCase): Tensor {
  const { values, shape } = maskValues(options);
  return raw.constant(like.runner, values, 'float32', shape);
}

const gradientCase = (options: AttentionCase): GradientCase => ({
  title: options.title,
  inputs: shapesOf(options.sizes),
  run: ({ q, k, v }) => [attention(headsFirst(q!), headsFirst(k!), headsFirst(v!), maskOf(q!, options), options)],
});

/** [batch * queries, heads * headDim] */
function written(options: AttentionCase, q: Float32Array, k: Float32Array, v: Float32Array): number[] {
  const { sizes, scale, softcap, sees } = options;
  const { batch, queries, keys, heads, kvHeads, headDim } = sizes;
  const out: number[] = [];
  for (let row = 0; row < batch * queries; row += 1) {
    const b = Math.floor(row / queries);
    for (let head = 0; head < heads; head += 1) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const at = (key: number, d: number): number => ((b * keys + key) * kvHeads + kvHead) * headDim + d;
      const powers = Array.from({ length: keys }, (_, key) => {
        if (!sees(b, head, row % queries, key)) return 0;
        let score = 0;
        for (let d = 0; d < headDim; d += 1) score += q[(row * heads + head) * headDim + d]! * k[at(key, d)]!;
        score *= scale;
        return Math.exp(softcap ? softcap * Math.tanh(score / softcap) : score);
      });
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (let d = 0; d < headDim; d += 1) {
        out.push(powers.reduce((sum, power, key) => sum + (power / total) * v[at(key, d)]!, 0));
      }
    }
  }
  return out;
}

describe.each(CASES)('$title', (options) => {
  it('has the gradients of finite differences', () => expectGradients(device, gradientCase(options)));

  it('gives what the formula gives', () => {
    const runner = new EagerRunner(device);
    const shapes = shapesOf(options.sizes);
    const host = Object.fromEntries(
      Object.entries(shapes).map(([name, { shape }]) => [
        name,
        drawNormal(
          3,
          name,
          shape.reduce((a, b) => a * b),
          1,
        ),
      ]),
    ) as Record<'q' | 'k' | 'v', Float32Array<ArrayBuffer>>;
    const values = runner.runStep({}, () => {
      const tensor = (name: 'q' | 'k' | 'v'): Tensor =>
        makeTensor(runner, runner.input(host[name], 'float32', shapes[name].shape), 'float32', shapes[name].shape);
      const [q, k, v] = [tensor('q'), tensor('k'), tensor('v')];
      const out = attention(headsFirst(q), headsFirst(k), headsFirst(v), maskOf(q, options), options);
      return new Float32Array(device.tensorDataSync(out.id) as Float32Array);
    });
    runner.dispose();
    written(options, host.q, host.k, host.v).forEach((value, place) => expect(values[place]).toBeCloseTo(value, 5));
  });
});

describe('one value as query, key and value', () => {
  it('gets the sum of the three gradients', () => {
    expectGradients(device, {
      title: '',
      inputs: { x: { shape: [2, 3, 2, 4] } },
      run: ({ x }) => {
        const half = basics.scale(x!, 0.5);
        const mask = maskOf(x!, { ...CASES[0]!, sizes: { ...SMALL, heads: 2 } });
        return [attention(headsFirst(half), headsFirst(half), headsFirst(x!), mask, { scale: 0.5 })];
      },
    });
  });
});

describe('a mask with learned numbers in it', () => {
  it.each([
    { title: 'for all rows and heads', sizes: SMALL, shape: [1, 1, 3, 3] },
    { title: 'for each head', sizes: SMALL, shape: [1, 4, 3, 3], softcap: 1.5 },
    { title: 'for each row and head', sizes: { ...SMALL, keys: 5 }, shape: [2, 4, 3, 5] },
  ])('gets a gradient: $title', ({ sizes, shape, softcap = null }) => {
    expectGradients(device, {
      title: '',
      inputs: { ...shapesOf(sizes), mask: { shape } },
      run: ({ q, k, v, mask }) => [
        attention(headsFirst(q!), headsFirst(k!), headsFirst(v!), mask!, { scale: 0.7, softcap }),
      ],
    });
  });
});
