/**
 * @file NF4, double quantization and INT8 against bitsandbytes: bytes equal, dequantized values within 1e-6 relative (issue text; in
 * fact they are equal). Seventeen matrices: odd shapes, three precisions, zeros, constants, 1e-38 to 1e4, ties.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dynamicMap } from '../../../../src-main/engine/quant/dynamic-map.ts';
import { dequantizeInt8Rows, quantizeInt8Rows } from '../../../../src-main/engine/quant/int8.ts';
import { dequantizeNf4, NF4_LEVELS, quantizeNf4, type NestedAbsmax } from '../../../../src-main/engine/quant/nf4.ts';
import { meanAsTorch } from '../../../../src-main/engine/quant/torch-mean.ts';
import { FIXTURES, formulaValues, largestRelativeDifference, readFixture, type FixtureTensor } from './fixtures.ts';

interface Digests {
  readonly means: Readonly<Record<string, number>>;
  readonly large: Readonly<
    Record<string, Record<'packed' | 'codes' | 'nested_absmax' | 'int8', string> & { offset: number }>
  >;
}

const fixture = await readFixture('quantization.safetensors');
const digests = JSON.parse(await readFile(path.join(FIXTURES, 'quantization-digests.json'), 'utf8')) as Digests;
const cases = [...fixture.keys()].filter((key) => key.endsWith('.input')).map((key) => key.slice(0, -6));

function get(name: string): FixtureTensor {
  const tensor = fixture.get(name);
  if (tensor === undefined) throw new Error(`the fixture lacks ${name}`);
  return tensor;
}

function inputOf(name: string) {
  const input = get(`${name}.input`);
  return { values: input.floats(), shape: input.shape as [number, number], sourceDtype: input.dtype! };
}

const digest = (data: Uint8Array | Int8Array | Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');

describe('tables', () => {
  it('are those of bitsandbytes', () => {
    expect(NF4_LEVELS).toEqual(get('nf4_levels').floats());
    expect(dynamicMap()).toEqual(get('dynamic_map').floats());
  });
});

describe('the mean of absmax', () => {
  it.each(Object.entries(digests.means))('of %s values is PyTorch’s to the last bit', (count, mean) => {
    expect(meanAsTorch(formulaValues(Number(count)))).toBe(mean);
  });
});

describe.each(cases)('matrix %s', (name) => {
  const { values, shape, sourceDtype } = inputOf(name);

  it('as NF4', () => {
    const before = values.slice();
    const matrix = quantizeNf4(values, shape, { doubleQuant: false, sourceDtype });
    expect(matrix.packed).toEqual(get(`${name}.nf4.packed`).bytes);
    expect(matrix.absmax).toEqual(get(`${name}.nf4.absmax`).floats());
    expect(values).toEqual(before);
    const theirs = fixture.get(`${name}.nf4.dequantized`)?.floats();
    if (theirs) expect(largestRelativeDifference(dequantizeNf4(matrix), theirs)).toBeLessThanOrEqual(1e-6);
  });

  it('as NF4 with double quantization', () => {
    const matrix = quantizeNf4(values, shape, { doubleQuant: true, sourceDtype });
    const nested = matrix.absmax as NestedAbsmax;
    expect(matrix.packed).toEqual(get(`${name}.nf4.packed`).bytes);
    expect(nested.codes).toEqual(get(`${name}.nf4.double.absmax`).bytes);
    expect(nested.nestedAbsmax).toEqual(get(`${name}.nf4.double.nested_absmax`).floats());
    const state = JSON.parse(
      new TextDecoder().decode(get(`${name}.nf4.double.quant_state.bitsandbytes__nf4`).bytes),
    ) as unknown;
    expect({ nested_offset: nested.offset, dtype: matrix.dtype, shape: matrix.shape }).toMatchObject({
      nested_offset: (state as { nested_offset: number }).nested_offset,
      dtype: (state as { dtype: string }).dtype,
      shape: (state as { shape: number[] }).shape,
    });
    const theirs = fixture.get(`${name}.nf4.double.dequantized`)?.floats();
    if (theirs) expect(largestRelativeDifference(dequantizeNf4(matrix), theirs)).toBeLessThanOrEqual(1e-6);
  });

  it('as INT8', () => {
    const matrix = quantizeInt8Rows(values, shape, { sourceDtype });
    expect(new Uint8Array(matrix.weight.buffer)).toEqual(get(`${name}.int8.weight`).bytes);
    expect(matrix.scb).toEqual(get(`${name}.int8.SCB`).floats());
    const theirs = fixture.get(`${name}.int8.dequantized`)?.floats();
    if (theirs) expect(largestRelativeDifference(dequantizeInt8Rows(matrix), theirs)).toBeLessThanOrEqual(1e-6);
  });
});

describe.each(Object.entries(digests.large))('large matrix %s', (name, wanted) => {
  const shape = name.split('x').map(Number) as [number, number];
  const values = formulaValues(shape[0] * shape[1]).map((value, i) => value * (1 + Math.floor(i / 4096)));

  it('has the bytes of bitsandbytes', () => {
    const matrix = quantizeNf4(values, shape, { doubleQuant: true, sourceDtype: 'float32' });
    const nested = matrix.absmax as NestedAbsmax;
    expect({
      packed: digest(matrix.packed),
      codes: digest(nested.codes),
      nested_absmax: digest(nested.nestedAbsmax),
      offset: nested.offset,
      int8: digest(quantizeInt8Rows(values, shape, { sourceDtype: 'float32' }).weight),
    }).toEqual(wanted);
  });
});
