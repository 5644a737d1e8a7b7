/**
 * @file Seeded random numbers for test inputs (mulberry32 by Tommy Ettinger, public domain), so that every run sees the same rows.
 */

/** @returns a function that gives whole numbers from 0 up to, not including, its argument. */
export function randomInts(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A row of token ids. */
export function randomTokens(seed: number, length: number, vocab: number): number[] {
  const next = randomInts(seed);
  return Array.from({ length }, () => next(vocab));
}
