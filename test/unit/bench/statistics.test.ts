/**
 * @file The arithmetic of the bench: medians, quartiles, ratios of neighbours.
 */
import { describe, expect, it } from 'vitest';
import { describeRatio, describeSpread, median, quantile } from '../../bench/statistics.ts';

describe('the statistics of the bench', () => {
  it('takes quantiles between neighbours, as numpy does', () => {
    // numpy.quantile([7, 1, 3, 10], [0, .25, .5, .75, 1])
    const found = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile([7, 1, 3, 10], share));
    expect(found).toEqual([1, 2.5, 5, 7.75, 10]);
    expect(median([9, 1, 5])).toBe(5);
    expect(describeSpread([4])).toEqual({ median: 4, low: 4, high: 4 });
  });

  it('divides neighbours, not medians', () => {
    // Both arms are slowed down in the second round: the ratio is 2 in each, whatever the medians say.
    const { median: ratio, low, high } = describeRatio([100, 40, 90], [50, 20, 45]);
    expect([ratio, low, high]).toEqual([2, 2, 2]);
  });

  it('gives an interval that holds the median and lies within the ratios', () => {
    const { median: ratio, low, high } = describeRatio([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]);
    expect(ratio).toBe(3);
    expect(low).toBeGreaterThanOrEqual(1);
    expect(low).toBeLessThan(3);
    expect(high).toBeGreaterThan(3);
    expect(high).toBeLessThanOrEqual(5);
    expect(describeRatio([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])).toEqual({ median: ratio, low, high });
  });
});
