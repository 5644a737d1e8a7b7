/**
 * @file The few statistics of the bench: medians with their spread, and paired ratios with a bootstrap interval.
 */
import { randomInts } from '../interop/support/random.ts';

export interface Spread {
  readonly median: number;
  /** First and third quartile. */
  readonly low: number;
  readonly high: number;
}

/** Linear between neighbours, as numpy's default. @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function describeSpread(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

const RESAMPLES = 2000;

/** Median of the ratios of values taken side by side, with the middle 95 % of its bootstrap medians. */
export function describeRatio(values: readonly number[], baseline: readonly number[]): Spread {
  const ratios = values.map((value, index) => value / (baseline[index] ?? NaN));
  const next = randomInts(1);
  const medians = Array.from({ length: RESAMPLES }, () => median(ratios.map(() => ratios[next(ratios.length)] ?? NaN)));
  return { median: median(ratios), low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}
