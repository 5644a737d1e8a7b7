/**
 * @file The course of an evaluation loss over training time, and when it reaches a value.
 */

export interface CurvePoint {
  readonly step: number;
  /** Of training alone; the clock stands still while evaluating. */
  readonly seconds: number;
  readonly loss: number;
}

/** Seconds until the loss is first at or below the target, on the straight line between evaluations; null = it never is. */
export function secondsTo(curve: readonly CurvePoint[], target: number): number | null {
  const index = curve.findIndex(({ loss }) => loss <= target);
  const reached = curve[index];
  if (!reached) return null;
  const before = curve[index - 1];
  if (!before) return reached.seconds;
  const share = (before.loss - target) / (before.loss - reached.loss);
  return before.seconds + share * (reached.seconds - before.seconds);
}
