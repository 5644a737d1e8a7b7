/**
 * @file Smoothing of noisy curves, for the eye only.
 */

/**
 * Exponential moving average, corrected for its start, so that the first values are not drawn towards zero. A gap (NaN) is kept.
 * @param weight of what came before, 0 (no smoothing) to below 1
 */
export function smooth(values: readonly number[], weight: number): number[] {
  let average = 0;
  let seen = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    seen += 1;
    average = average * weight + value * (1 - weight);
    return average / (1 - weight ** seen);
  });
}
