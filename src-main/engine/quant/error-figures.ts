/**
 * @file How far a quantized weight is from the original: the figures of the quantization report.
 */

export interface ErrorFigures {
  /** Values compared. */
  readonly count: number;
  readonly meanAbsolute: number;
  readonly maxAbsolute: number;
  /** Mean of |error| / (|value| + 1e-8), as bitsandbytes' own tests measure it. */
  readonly meanRelative: number;
}

/** Keeps a zero weight from making the relative error infinite. */
const EPSILON = 1e-8;

/** Compares a weight with what came back of it. */
export function measureError(original: Float32Array, restored: Float32Array): ErrorFigures {
  const count = original.length;
  if (restored.length !== count) throw new Error(`internal: ${count} values against ${restored.length}`);
  let absolute = 0;
  let relative = 0;
  let maxAbsolute = 0;
  for (let i = 0; i < count; i += 1) {
    const error = Math.abs(original[i]! - restored[i]!);
    absolute += error;
    relative += error / (Math.abs(original[i]!) + EPSILON);
    if (error > maxAbsolute) maxAbsolute = error;
  }
  const divisor = Math.max(count, 1);
  return { count, meanAbsolute: absolute / divisor, maxAbsolute, meanRelative: relative / divisor };
}

/** The figures of several weights taken together. */
export function combineErrors(parts: readonly ErrorFigures[]): ErrorFigures {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const mean = (pick: (part: ErrorFigures) => number) =>
    parts.reduce((sum, part) => sum + pick(part) * part.count, 0) / Math.max(count, 1);
  return {
    count,
    meanAbsolute: mean((part) => part.meanAbsolute),
    maxAbsolute: parts.reduce((largest, part) => Math.max(largest, part.maxAbsolute), 0),
    meanRelative: mean((part) => part.meanRelative),
  };
}
