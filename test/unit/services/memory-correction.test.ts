/** @file What earlier runs make of the next estimate. */
import { describe, expect, it } from 'vitest';
import { combineRatios } from '../../../src-main/services/memory-correction.ts';

const same = (...ratios: number[]) => ratios.map((ratio) => ({ ratio, isSame: true }));
const other = (...ratios: number[]) => ratios.map((ratio) => ({ ratio, isSame: false }));

describe('the factor on an estimate', () => {
  it.each([
    ['is 1 before the first run', [], 1],
    ['is what the last run of the same kind took', same(1.12), 1.12],
    ['so too where it took less', same(0.9), 0.9],
    ['is not turned by one run of another kind', other(1.4), 1],
    ['is the usual one of several of other kinds', other(1.1, 1.2, 1.15), 1.1],
    ['is the middle of the same kind, whatever others took', [...same(1.1, 1.2, 1.1), ...other(0.8, 0.85)], 1.1],
    ['passes over one odd run', same(1.05, 3, 1.05), 1.05],
    ['ends where something else must have been at work', same(4, 4, 4), 1.5],
    ['and downwards', same(0.1, 0.1), 0.8],
  ])('%s', (_what, measured, factor) => {
    expect(combineRatios(measured)).toBe(factor);
  });
});
