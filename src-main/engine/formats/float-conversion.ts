/**
 * @file 16-bit floats in JavaScript: bfloat16 and IEEE half precision to and from float32, whole arrays at a time.
 *
 * bfloat16 is the upper half of a float32, so widening is a shift. Half precision is widened by a table of all 65,536 values and
 * narrowed by arithmetic on the bits. Narrowing rounds to the nearest, ties to even, as PyTorch and the hardware do; what is too
 * large becomes infinite and NaN stays NaN. One 16-bit value is held as its bits in a `Uint16Array`.
 */

/** bfloat16 bits -> float32, exact. @param out as long as `bits`; made when left out */
export function bf16ToFloat32(
  bits: Uint16Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(bits.length),
): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i += 1) words[i] = bits[i]! << 16;
  return out;
}

/** float32 -> bfloat16 bits, nearest even. @param out as long as `values`; made when left out */
export function float32ToBf16(
  values: Float32Array,
  out: Uint16Array<ArrayBuffer> = new Uint16Array(values.length),
): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    // A NaN whose set bits all lie in the lower half would otherwise turn into an infinity.
    out[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Half-precision bits -> float32, exact. @param out as long as `bits`; made when left out */
export function f16ToFloat32(
  bits: Uint16Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(bits.length),
): Float32Array<ArrayBuffer> {
  const table = halfTable();
  // Through integers, because a NaN's bits may change on the way through a floating-point register.
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i += 1) words[i] = table[bits[i]!]!;
  return out;
}

/** float32 -> half-precision bits, nearest even. @param out as long as `values`; made when left out */
export function float32ToF16(
  values: Float32Array,
  out: Uint16Array<ArrayBuffer> = new Uint16Array(values.length),
): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i += 1) out[i] = wordToHalf(words[i]!);
  return out;
}

/** Rounds each value to the nearest that half precision can hold, in place. */
export function roundToF16(values: Float32Array): void {
  const table = halfTable();
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i += 1) words[i] = table[wordToHalf(words[i]!)]!;
}

/** Rounds each value to the nearest that bfloat16 can hold, in place. */
export function roundToBf16(values: Float32Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    if ((word & 0x7fffffff) <= 0x7f800000) words[i] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
}

/** Half-precision bits of the float32 with these bits. */
function wordToHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and more is nearer to the next power of two, which half precision calls infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: move the exponent's bias from 127 to 15, round away the lower 13 bits; a carry runs into the exponent as it should.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // Half of the smallest subnormal ties to zero, and less rounds to it.
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept);
}

let table: Uint32Array<ArrayBuffer> | null = null;

/** Float32 bits of every half-precision value. */
function halfTable(): Uint32Array<ArrayBuffer> {
  if (table !== null) return table;
  const values = new Float32Array(65536);
  table = new Uint32Array(values.buffer);
  for (let bits = 0; bits < 65536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const mantissa = bits & 0x3ff;
    if (exponent === 31 && mantissa > 0) table[bits] = ((bits & 0x8000) << 16) | 0x7f800000 | (mantissa << 13);
    else if (exponent === 31) values[bits] = sign * Infinity;
    else values[bits] = sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
  }
  return table;
}
