/**
 * @file What quantization costs and what it loses: bits a weight, error statistics within bitsandbytes' own limits (GATES.md 6.1),
 * and the weights that are refused.
 */
import { describe, expect, it } from 'vitest';
import { combineErrors, measureError } from '../../../../src-main/engine/quant/error-figures.ts';
import { dequantizeInt8Rows, int8Bytes, quantizeInt8Rows } from '../../../../src-main/engine/quant/int8.ts';
import { dequantizeNf4, nf4Bytes, quantizeNf4 } from '../../../../src-main/engine/quant/nf4.ts';
import { formulaValues } from './fixtures.ts';

const SIDE = 1024;
const SHAPE = [SIDE, SIDE] as const;

/** Normal values (Box and Muller) from a small generator with a fixed start. */
function normalValues(count: number): Float32Array<ArrayBuffer> {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  return new Float32Array(count).map(() => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

const normal = normalValues(SIDE * SIDE);

describe('NF4', () => {
  it('loses what bitsandbytes’ tests allow: mean |error| 0.072798 + 7 x 7.4e-5, relative 0.2034', () => {
    const matrix = quantizeNf4(normal, SHAPE, { doubleQuant: false, sourceDtype: 'float32' });
    const figures = measureError(normal, dequantizeNf4(matrix));
    expect(Math.abs(figures.meanAbsolute - 0.072798)).toBeLessThan(7 * 7.4e-5);
    expect(Math.abs(figures.meanRelative - 0.203339)).toBeLessThan(0.001);
  });

  it('loses hardly more with double quantization, and takes 4.127 bits a weight', () => {
    const matrix = quantizeNf4(normal, SHAPE, { doubleQuant: true, sourceDtype: 'float32' });
    expect(measureError(normal, dequantizeNf4(matrix)).meanAbsolute).toBeLessThan(0.0735);
    // 32 bits for the offset of the matrix come on top.
    expect((nf4Bytes(matrix) * 8 - 32) / normal.length).toBeCloseTo(4.127, 3);
    const plain = quantizeNf4(normal, SHAPE, { doubleQuant: false, sourceDtype: 'float32' });
    expect((nf4Bytes(plain) * 8) / normal.length).toBe(4.5);
  });

  it('gives back the precision that is asked for', () => {
    const values = normal.subarray(0, 128).map(Math.fround);
    const matrix = quantizeNf4(values, [2, 64], { doubleQuant: false, sourceDtype: 'bfloat16' });
    const words = new Uint32Array(dequantizeNf4(matrix, { dtype: matrix.dtype }).buffer);
    expect(words.every((word) => (word & 0xffff) === 0)).toBe(true);
  });

  it('quantizes what it gave back to itself', () => {
    const options = { doubleQuant: false, sourceDtype: 'float32' } as const;
    const first = quantizeNf4(normal, SHAPE, options);
    expect(quantizeNf4(dequantizeNf4(first), SHAPE, options).packed).toEqual(first.packed);
  });
});

describe('INT8', () => {
  it('loses at most half a step a value', () => {
    const values = formulaValues(64 * 48);
    const matrix = quantizeInt8Rows(values, [64, 48], { sourceDtype: 'float32' });
    const back = dequantizeInt8Rows(matrix);
    // Half a step of 1/127, and the rounding to half precision before.
    expect(measureError(values, back).maxAbsolute).toBeLessThan(0.5 / 127 + 2 ** -11);
    expect(int8Bytes(matrix)).toBe(64 * 48 + 64 * 4);
  });
});

describe('a weight that cannot be quantized', () => {
  const withValue = (value: number) => Float32Array.from({ length: 130 }, (_, i) => (i === 100 ? value : 0.5));

  it.each([NaN, Infinity, -Infinity])('is refused for %s, with name and element', (value) => {
    const options = { sourceDtype: 'float32', name: 'q_proj.weight' } as const;
    const message = `q_proj.weight: element 100 is ${value}`;
    expect(() => quantizeNf4(withValue(value), [2, 65], { ...options, doubleQuant: true })).toThrow(message);
    expect(() => quantizeInt8Rows(withValue(value), [2, 65], options)).toThrow(message);
  });

  it('is refused as INT8 beyond half precision', () => {
    expect(() => quantizeInt8Rows(withValue(70000), [2, 65], { sourceDtype: 'bfloat16' })).toThrow('ends at 65504');
    expect(() => quantizeInt8Rows(withValue(65504), [2, 65], { sourceDtype: 'bfloat16' })).not.toThrow();
  });

  it('must fit its shape', () => {
    expect(() => quantizeNf4(normal, [3, 5], { doubleQuant: false, sourceDtype: 'float32' })).toThrow('internal');
  });
});

describe('error figures', () => {
  it('are worked out by hand and combined by weight', () => {
    const first = measureError(Float32Array.of(1, -2), Float32Array.of(1.5, -2));
    expect(first).toEqual({ count: 2, meanAbsolute: 0.25, maxAbsolute: 0.5, meanRelative: expect.closeTo(0.25, 6) });
    const second = measureError(Float32Array.of(4), Float32Array.of(3));
    expect(combineErrors([first, second])).toEqual({
      count: 3,
      meanAbsolute: 0.5,
      maxAbsolute: 1,
      meanRelative: expect.closeTo(0.25, 6),
    });
  });
});
