/**
 * @file Smoothing of noisy curves, for the eye only.
 */
import type { Numbers } from './chart-data.ts';

/**
 * Exponential moving average, corrected for its start, so that the first values are not drawn towards zero. A gap (NaN) is kept.
 * @param weight of what came before, 0 (no smoothing) to below 1
 */
export function smooth(values: Numbers, weight: number): Float64Array {
  let average = 0;
  /** The part of the average that is still the zero it began with. */
  let unseen = 1;
  return Float64Array.from(values, (value) => {
    if (!Number.isFinite(value)) return value;
    unseen *= weight;
    average = average * weight + value * (1 - weight);
    return average / (1 - unseen);
  });
}
