/**
 * @file Parts of causal attention: more for long rows, and never a number that leaves tokens over.
 */
import { describe, expect, it } from 'vitest';
import { chooseAttentionParts } from '../../../../src-main/engine/recipes/attention-parts.ts';
import { makeBatch, makeExample } from '../support/tiny-steps.ts';

describe('parts of attention', () => {
  it('grow with the length of the longest row', () => {
    const parts = (longest: number, fused: boolean, shards = 1) =>
      chooseAttentionParts(longest, 4096, { fused, shards });
    const lengths = [8, 255, 256, 511, 512, 2047, 2048, 4096];
    expect(lengths.map((longest) => parts(longest, false))).toEqual([1, 1, 2, 2, 4, 4, 4, 4]);
    expect(lengths.map((longest) => parts(longest, true))).toEqual([1, 1, 1, 1, 2, 2, 4, 4]);
    expect(lengths.map((longest) => parts(longest, true, 2))).toEqual([1, 1, 4, 4, 4, 4, 4, 4]);
  });

  it('divide the length of every batch', () => {
    for (const length of [1, 7, 8, 9, 255, 601, 1000]) {
      const { seq } = makeBatch([[makeExample(1, length)]], 1000);
      expect(seq % chooseAttentionParts(1000, 1000, { fused: false, shards: 1 }), `${length} tokens`).toBe(0);
    }
  });

  it('are one where the longest row allowed is of an odd length', () => {
    expect(makeBatch([[makeExample(1, 1001)]], 1001).seq).toBe(1001);
    expect(chooseAttentionParts(1001, 1001, { fused: false, shards: 1 })).toBe(1);
  });
});
