/**
 * @file Trained tensors in flat vectors: what shares one, and that nothing moves on the way in and out.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import {
  flattenGradients,
  makeBuckets,
  packValues,
  readParameters,
  unpackValues,
  type TrainedTensor,
} from '../../../../src-main/engine/weights/trainables.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const tensor = (name: string, shape: readonly number[], more: Partial<TrainedTensor> = {}): TrainedTensor => ({
  ...{ name, shape, decay: true, lrRatio: 1 },
  ...more,
});
const TENSORS = [
  tensor('a', [2, 3]),
  tensor('bias', [4], { decay: false }),
  tensor('b', [3, 2], { lrRatio: 16 }),
  tensor('c', [5]),
];
const VALUES = new Map(
  TENSORS.map(({ name, shape }, index) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return [name, Float32Array.from({ length: size }, (_, i) => 100 * index + i)] as const;
  }),
);

describe('buckets', () => {
  it('join tensors of one decay and one factor, in their order', () => {
    const buckets = makeBuckets(TENSORS);
    expect(buckets.map(({ entries }) => entries.map(({ name }) => name))).toEqual([['a', 'c'], ['bias'], ['b']]);
    expect(buckets.map(({ size, decay, lrRatio }) => [size, decay, lrRatio])).toEqual([
      [11, true, 1],
      [4, false, 1],
      [6, true, 16],
    ]);
    expect(new Set(buckets.map(({ variable }) => variable.name)).size).toBe(3);
  });

  it('leave a large tensor to itself', () => {
    const names = makeBuckets([tensor('small', [4]), tensor('large', [1025, 1024]), tensor('other', [4])]);
    expect(names.map(({ entries }) => entries.map(({ name }) => name))).toEqual([['small', 'other'], ['large']]);
  });

  it('give back the values they were given', () => {
    const back = makeBuckets(TENSORS).flatMap((bucket) => unpackValues(bucket, packValues(bucket, VALUES)));
    expect(new Map(back)).toEqual(VALUES);
  });

  it('want every value, of the right size', () => {
    const [bucket] = makeBuckets(TENSORS);
    expect(() => packValues(bucket!, new Map([['a', new Float32Array(6)]]))).toThrow('no values for c');
    const short = new Map([...VALUES, ['c', new Float32Array(4)] as const]);
    expect(() => packValues(bucket!, short)).toThrow('no values for c');
  });
});

describe('on the device', () => {
  it('parameters are the parts of the vectors, and gradients go back to their places', () => {
    const runner = new EagerRunner(device);
    const buckets = makeBuckets(TENSORS);
    for (const bucket of buckets) {
      const flat = packValues(bucket, VALUES);
      runner.setVariable(bucket.variable.name, copyToDevice(device, flat, 'float32', [flat.length], 'float32'));
    }
    const read = (id: number) => new Float32Array(device.tensorDataSync(id) as Float32Array);
    runner.runStep({}, () => {
      const parameters = readParameters(runner, buckets, 'float32', true);
      for (const { name, shape } of TENSORS) {
        const { leaf, value } = parameters.get(name)!;
        expect([leaf.shape, leaf.isLeaf]).toEqual([shape, true]);
        expect(read(leaf.id)).toEqual(VALUES.get(name));
        expect(read(value.id)).toEqual(VALUES.get(name));
      }
      expect(readParameters(runner, buckets, 'float32', false).get('a')!.leaf.isLeaf).toBe(false);
      // c has no gradient: zeros stand in its place.
      const gradient = raw.multiply(parameters.get('a')!.value, 2);
      const flat = flattenGradients(runner, buckets[0]!, new Map([['a', gradient]]));
      expect([...read(flat.id)]).toEqual([0, 2, 4, 6, 8, 10, 0, 0, 0, 0, 0]);
    });
    runner.dispose();
  });
});
