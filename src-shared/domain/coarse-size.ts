/**
 * @file Sizes of which few different ones are to occur, since each costs kernels of its own (recipes/fuse-chains.ts).
 */

/** All sizes are multiples of this. */
const STEP = 8;

/** @returns the next size of eight between a power of two and the next, and at least a multiple of eight: an eighth more at most, from 64 on */
export function coarseSize(size: number): number {
  const step = Math.max(STEP, 2 ** (Math.floor(Math.log2(size)) - 3));
  return Math.ceil(size / step) * step;
}
