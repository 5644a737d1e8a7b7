/**
 * @file 16-bit floats: every half-precision value, ties, overflow, subnormals and NaN. The expected values are worked out with
 * float64 arithmetic, which is exact here, so no tolerance is needed.
 */
import { describe, expect, it } from 'vitest';
import {
  bf16ToFloat32,
  f16ToFloat32,
  float32ToBf16,
  float32ToF16,
  roundToBf16,
  roundToF16,
} from '../../../../src-main/engine/formats/float-conversion.ts';

const allBits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const floatFromBits = (...words: number[]) => new Float32Array(new Uint32Array(words).buffer);

describe('half precision', () => {
  it('widens known values', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x8000);
    expect([...f16ToFloat32(bits)]).toEqual([1, -2, 65504, 2 ** -24, 2 ** -14, Infinity, -Infinity, -0]);
    expect(f16ToFloat32(Uint16Array.of(0x7e01))[0]).toBeNaN();
  });

  it('gives every value back', () => {
    const back = float32ToF16(f16ToFloat32(allBits));
    const isNan = (bits: number) => (bits & 0x7fff) > 0x7c00;
    expect(allBits.filter((bits) => !isNan(bits) && back[bits] !== bits)).toHaveLength(0);
    expect(allBits.filter((bits) => isNan(bits) && !isNan(back[bits]!))).toHaveLength(0);
  });

  it('rounds what lies between two neighbours to the nearer one and ties to the even one', () => {
    const finite = f16ToFloat32(allBits.subarray(0, 0x7c00));
    for (let bits = 0; bits + 1 < finite.length; bits += 1) {
      const middle = Math.fround((finite[bits]! + finite[bits + 1]!) / 2);
      const [word] = new Uint32Array(Float32Array.of(middle).buffer);
      const near = floatFromBits(word! - 1, word!, word! + 1);
      const even = bits % 2 === 0 ? bits : bits + 1;
      expect([...float32ToF16(near)]).toEqual([bits, even, bits + 1]);
    }
  });

  it('overflows from 65520 on', () => {
    expect([...float32ToF16(Float32Array.of(65519, 65520, -65520, 1e30))]).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00]);
  });

  it('rounds in place', () => {
    const values = Float32Array.of(1 / 3, 70000, 1e-30, -0.1);
    const rounded = f16ToFloat32(float32ToF16(values));
    roundToF16(values);
    expect([...values]).toEqual([...rounded]);
  });
});

describe('bfloat16', () => {
  it('gives every value back, NaN with its bits', () => {
    const back = float32ToBf16(bf16ToFloat32(allBits));
    // A signalling NaN may come back with its quiet bit set.
    const same = (bits: number) => back[bits] === bits || ((bits & 0x7fff) > 0x7f80 && back[bits] === (bits | 0x40));
    expect(allBits.filter((bits) => !same(bits))).toHaveLength(0);
  });

  it('rounds to nearest, ties to even, and keeps infinity and NaN apart', () => {
    const values = floatFromBits(0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f7fffff, 0xff800000, 0x7f800001);
    expect([...float32ToBf16(values)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80, 0xff80, 0x7fc0]);
  });

  it('rounds in place', () => {
    const values = Float32Array.of(1 / 3, 3.4e38, 1e-40, -0.1, Infinity);
    const rounded = bf16ToFloat32(float32ToBf16(values));
    roundToBf16(values);
    expect([...values]).toEqual([...rounded]);
  });
});
