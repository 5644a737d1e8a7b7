/**
 * @file Counts of a step at a length that was not run follow from three that were.
 */
import { describe, expect, it } from 'vitest';
import { addCounts, extrapolate, listOps, scaleCounts, splitByLength } from '../../bench/paper/extrapolate.ts';

const at = (length: number) =>
  new Map([
    ['MatMul', { launches: 7, bytes: 3 + 5 * length, flops: 2 * length * length + length }],
    ['Softmax', { launches: 1, bytes: length * length, flops: 0 }],
  ]);

describe('counts at another length', () => {
  it('lie on the parabola', () => {
    const found = extrapolate(
      [
        [64, at(64)],
        [128, at(128)],
        [256, at(256)],
      ],
      2048,
    );
    expect(found.get('MatMul')!.launches).toBeCloseTo(7, 6);
    expect(found.get('MatMul')!.bytes).toBeCloseTo(3 + 5 * 2048, 4);
    expect(found.get('MatMul')!.flops).toBeCloseTo(2 * 2048 ** 2 + 2048, 2);
    expect(found.get('Softmax')!.bytes).toBeCloseTo(2048 ** 2, 2);
  });

  it('part by how they grow', () => {
    const { fixed, linear, square } = splitByLength(at, 100);
    expect(fixed).toBeCloseTo(3, 6);
    expect(linear).toBeCloseTo(500, 6);
    expect(square).toBeCloseTo(10_000, 6);
    expect(listOps(at(100)).map(({ op }) => op)).toEqual(['MatMul', 'Softmax']);
  });

  it('add up, an op that one of them lacks too', () => {
    const more = new Map([['Exp', { launches: 2, bytes: 10, flops: 0 }]]);
    const sum = addCounts(at(2), scaleCounts(more, 31));
    expect(sum.get('Exp')).toEqual({ launches: 62, bytes: 310, flops: 0 });
    expect(sum.get('MatMul')).toEqual(at(2).get('MatMul'));
  });
});
