/**
 * @file The mean of float32 values, added up in PyTorch's order.
 *
 * Double quantization stores the mean of the block maxima, in float32, and every code depends on it. Its last bits depend on
 * the order of additions, so equal bytes need equal order: PyTorch 2.13's CPU sum adds eight lanes of four interleaved
 * rows, each in four levels of partial sums (aten/src/ATen/native/cpu/SumKernel.cpp, cascade summation). From 32,768 values
 * on PyTorch also splits the work by threads; this is its order with one thread.
 */

const LANES = 8;
const ROWS = 4;
const LEVELS = 4;

/** Mean as `torch.mean` of a contiguous float32 tensor gives it; NaN for no values. */
export function meanAsTorch(values: Float32Array): number {
  return Math.fround(sumAsTorch(values) / values.length);
}

function sumAsTorch(values: Float32Array): number {
  const { fround } = Math;
  if (values.length < LANES) return sumLane(values, 0, 1, values.length);
  const perLane = Math.floor(values.length / LANES);
  let sum = 0;
  for (let i = perLane * LANES; i < values.length; i += 1) sum = fround(sum + values[i]!);
  for (let lane = 0; lane < LANES; lane += 1) sum = fround(sum + sumLane(values, lane, LANES, perLane));
  return sum;
}

/** Sum of `count` values from `first` on, `stride` apart: four interleaved rows, then what is left, then the rows together. */
function sumLane(values: Float32Array, first: number, stride: number, count: number): number {
  const { fround } = Math;
  const perRow = Math.floor(count / ROWS);
  const sums = Array.from({ length: ROWS }, (_, row) => sumRow(values, first + row * stride, stride * ROWS, perRow));
  let [sum = 0] = sums;
  for (let i = perRow * ROWS; i < count; i += 1) sum = fround(sum + values[first + i * stride]!);
  for (let row = 1; row < ROWS; row += 1) sum = fround(sum + sums[row]!);
  return sum;
}

/** Partial sums in four levels: a level is emptied into the next one each time it has taken in `step` sums. */
function sumRow(values: Float32Array, first: number, stride: number, count: number): number {
  const { fround } = Math;
  const power = Math.max(4, Math.floor(ceilLog2(count) / LEVELS));
  const step = 2 ** power;
  const levels = new Float32Array(LEVELS);
  let i = 0;
  while (i + step <= count) {
    let sum = levels[0]!;
    for (let j = 0; j < step; j += 1, i += 1) sum = fround(sum + values[first + i * stride]!);
    levels[0] = sum;
    for (let level = 1; level < LEVELS; level += 1) {
      levels[level]! += levels[level - 1]!;
      levels[level - 1] = 0;
      if (Math.floor(i / step ** level) % step !== 0) break;
    }
  }
  let sum = levels[0]!;
  for (; i < count; i += 1) sum = fround(sum + values[first + i * stride]!);
  for (let level = 1; level < LEVELS; level += 1) sum = fround(sum + levels[level]!);
  return sum;
}

function ceilLog2(value: number): number {
  return value <= 2 ? 1 : Math.ceil(Math.log2(value));
}
