/**
 * @file Picks the next token from logits: the likeliest, or one drawn by temperature and top-p (Holtzman et al. 2020).
 */
import { randomUint32 } from '../data/seeded-random.ts';

/** Index of the largest logit; the first of equals. */
export function greedy(logits: Float32Array): number {
  let best = 0;
  for (let index = 1; index < logits.length; index += 1) if (logits[index]! > logits[best]!) best = index;
  return best;
}

export interface SamplingOptions {
  /** 0 = greedy. */
  readonly temperature: number;
  /** Smallest set of tokens whose probabilities reach this; 1 = all. */
  readonly topP: number;
  readonly seed: number;
}

/** A chooser whose draws depend on seed and on how many it has made. */
export function makeChooser({ temperature, topP, seed }: SamplingOptions): (logits: Float32Array) => number {
  if (temperature === 0) return greedy;
  let drawn = 0;
  return (logits) => {
    const uniform = randomUint32(seed, 0x5a, drawn) / 2 ** 32;
    drawn += 1;
    return draw(logits, temperature, topP, uniform);
  };
}

function draw(logits: Float32Array, temperature: number, topP: number, uniform: number): number {
  const largest = logits[greedy(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Tokens far below the largest cannot be reached and need no sorting.
  const order = Array.from(weights.keys())
    .filter((index) => weights[index]! > total * 1e-9)
    .sort((a, b) => weights[b]! - weights[a]! || a - b);
  let kept = 0;
  let count = 0;
  while (count < order.length && (count === 0 || kept < topP * total)) kept += weights[order[count++]!]!;
  let rest = uniform * kept;
  for (const index of order.slice(0, count)) {
    rest -= weights[index]!;
    if (rest < 0) return index;
  }
  return order[count - 1]!;
}
