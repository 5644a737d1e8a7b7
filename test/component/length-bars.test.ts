/** @file The line of the longest length among the bars of the lengths. */
import { describe, expect, it } from 'vitest';
import { placeOfLength } from '../../src-renderer/state/length-bars.ts';

const BARS = [
  { from: 16, to: 32 },
  { from: 32, to: 64 },
  { from: 64, to: 128 },
  { from: 128, to: null },
];

describe('the place of a length', () => {
  it('lies within its bar by its share of the range', () => {
    expect(placeOfLength(BARS, 16)).toEqual({ share: 0, isBeyond: false });
    expect(placeOfLength(BARS, 48)).toEqual({ share: 0.375, isBeyond: false });
    expect(placeOfLength(BARS, 64)).toEqual({ share: 0.5, isBeyond: false });
    expect(placeOfLength(BARS, 4096)).toEqual({ share: 0.75, isBeyond: false });
  });

  it('is an end where no bar has it', () => {
    expect(placeOfLength(BARS.slice(0, 3), 512)).toEqual({ share: 1, isBeyond: true });
    expect(placeOfLength(BARS.slice(0, 3), 128)).toEqual({ share: 1, isBeyond: true });
    expect(placeOfLength(BARS, 8)).toEqual({ share: 0, isBeyond: false });
    expect(placeOfLength([], 8)).toEqual({ share: 0, isBeyond: false });
  });
});
