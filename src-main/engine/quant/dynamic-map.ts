/**
 * @file The 256 values that double quantization stores block maxima with, and the way there and back.
 *
 * The map is Dettmers' signed dynamic 8-bit type (arXiv 1511.04561; bitsandbytes 0.50 `create_dynamic_map`): seven decades, the
 * higher the decade the more fraction bits, each value the middle of its share of [0.1, 1], and zero and one on their own. All
 * arithmetic is rounded to float32 where bitsandbytes' is, so the values are equal to the last bit.
 *
 * Quantizing follows bitsandbytes' CPU code: a normalized value is rounded to one of 65,536 steps between -1 and 1, and a
 * table says which code that step gets. So zero becomes the code just above zero, as it does there.
 */

/** Values per block of doubly quantized maxima. */
export const NESTED_BLOCKSIZE = 256;
const DECADES = 7;
const STEPS = 65536;

/** What `quantizeBlockwise` gives: one code a value, one maximum a block. */
export interface BlockwiseCodes {
  readonly codes: Uint8Array<ArrayBuffer>;
  readonly absmax: Float32Array<ArrayBuffer>;
}

let map: Float32Array<ArrayBuffer> | null = null;
let table: Uint8Array | null = null;

/** The 256 values, ascending. Shared: do not write into it. */
export function dynamicMap(): Float32Array<ArrayBuffer> {
  if (map !== null) return map;
  const values = [0, 1];
  for (let decade = 0; decade < DECADES; decade += 1) {
    const scale = Math.fround(10 ** (decade + 1 - DECADES));
    for (const mean of meansOfShares(2 ** decade)) {
      const value = Math.fround(scale * mean);
      values.push(value, -value);
    }
  }
  map = Float32Array.from(values).sort();
  return map;
}

/**
 * Codes of the values relative to the largest magnitude of their block.
 * @param values finite
 */
export function quantizeBlockwise(values: Float32Array, blocksize = NESTED_BLOCKSIZE): BlockwiseCodes {
  const codeOfStep = stepTable();
  const codes = new Uint8Array(values.length);
  const absmax = new Float32Array(Math.ceil(values.length / blocksize));
  for (let block = 0; block < absmax.length; block += 1) {
    const start = block * blocksize;
    const end = Math.min(start + blocksize, values.length);
    let largest = 0;
    for (let i = start; i < end; i += 1) largest = Math.max(largest, Math.abs(values[i]!));
    absmax[block] = largest;
    // A block of zeros keeps code 0: any code times zero is zero.
    if (largest === 0) continue;
    const inverse = Math.fround(1 / largest);
    for (let i = start; i < end; i += 1) codes[i] = codeOfStep[nearestStep(Math.fround(values[i]! * inverse))]!;
  }
  return { codes, absmax };
}

/** Values of the codes: map[code] times the maximum of the block. */
export function dequantizeBlockwise(
  { codes, absmax }: BlockwiseCodes,
  code: Float32Array,
  blocksize = NESTED_BLOCKSIZE,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i += 1) values[i] = code[codes[i]!]! * absmax[Math.floor(i / blocksize)]!;
  return values;
}

/** Middles of equal shares of [0.1, 1], like `torch.linspace`: float32, product and sum fused, the upper half counted from the end. */
function meansOfShares(shares: number): number[] {
  const { fround } = Math;
  const low = fround(0.1);
  const step = fround(fround(1 - low) / shares);
  const points = shares + 1;
  const bounds = Array.from({ length: points }, (_, i) =>
    i < Math.floor(points / 2) ? fround(low + step * i) : fround(1 - step * (points - i - 1)),
  );
  return bounds.slice(1).map((bound, i) => fround(fround(bound + bounds[i]!) / 2));
}

/** Step of a normalized value: the products in float32, the last sum fused with the product before it. */
function nearestStep(value: number): number {
  const clamped = Math.min(1, Math.max(-1, value));
  return Math.trunc(Math.fround(Math.fround(clamped + 1) * 0.5 * (STEPS - 1) + 0.5));
}

/** Code whose value is nearest to each step. */
function stepTable(): Uint8Array {
  if (table !== null) return table;
  const { fround } = Math;
  const code = dynamicMap();
  table = new Uint8Array(STEPS);
  let index = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const value = fround(-1 + fround((2 * step) / (STEPS - 1)));
    while (index < 255 && fround(fround(code[index]! + code[index + 1]!) / 2) < value) index += 1;
    table[step] = index;
  }
  return table;
}
