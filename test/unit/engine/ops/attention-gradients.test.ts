/**
 * @file Attention: gradients against finite differences (1e-3 relative), values against the formula written out in f64.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { headsFirst } from '../../../../src-main/engine/nn/batch.ts';
import { attention } from '../../../../src-main/engine/ops/attention.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { type AttentionCase, CASES, drawInputs, maskOf, shapesOf, SMALL, written } from '../support/attention-cases.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const gradientCase = (options: AttentionCase): GradientCase => ({
  title: options.title,
  inputs: shapesOf(options.sizes),
  run: ({ q, k, v }) => [attention(headsFirst(q!), headsFirst(k!), headsFirst(v!), maskOf(q!, options), options)],
});

describe.each(CASES)('$title', (options) => {
  it('has the gradients of finite differences', () => expectGradients(device, gradientCase(options)));

  it('gives what the formula gives', () => {
    const runner = new EagerRunner(device);
    const shapes = shapesOf(options.sizes);
    const host = drawInputs(options.sizes);
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
