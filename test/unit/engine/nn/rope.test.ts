/**
 * @file Rotary tables against those of transformers (test/golden/make/rope.py). Tolerance: 1e-6, and per position two roundings of a
 * frequency to f32, 1.2e-7.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildRopeTables,
  ROPE_KINDS,
  type RopeConfig,
  ropeDependsOnLength,
} from '../../../../src-main/engine/nn/rope.ts';

interface RopeCase {
  readonly title: string;
  readonly config: RopeConfig;
  readonly found: readonly {
    readonly seq: number;
    readonly positions: readonly number[];
    /** [positions, rotaryDim / 2] */
    readonly cos: readonly (readonly number[])[];
    readonly sin: readonly (readonly number[])[];
  }[];
}

const FIXTURE = path.resolve(import.meta.dirname, '../../../golden/fixtures/rope.json');
const { cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { cases: readonly RopeCase[] };
const PLAIN: RopeConfig = { theta: 10000, headDim: 16, rotaryDim: 16, maxPositionEmbeddings: 64, scaling: null };

describe.each(cases)('$title', ({ config, found }) => {
  it.each(found)('is that of transformers at a length of $seq', ({ seq, positions, cos, sin }) => {
    const tables = buildRopeTables(config, seq, seq);
    const half = config.rotaryDim / 2;
    expect(tables.width).toBe(config.rotaryDim);
    positions.forEach((position, row) => {
      const tolerance = 1e-6 + 1.2e-7 * position;
      for (let index = 0; index < config.rotaryDim; index += 1) {
        const at = position * tables.width + index;
        const sign = index < half ? -1 : 1;
        expect(Math.abs(tables.cos[at]! - cos[row]![index % half]!)).toBeLessThan(tolerance);
        expect(Math.abs(tables.signedSin[at]! - sign * sin[row]![index % half]!)).toBeLessThan(tolerance);
      }
    });
  });
});

describe('tables', () => {
  it('without a scaling are the default ones', () => {
    const named = { ...PLAIN, scaling: { rope_type: 'default' } };
    expect(buildRopeTables(PLAIN, 20, 20)).toEqual(buildRopeTables(named, 20, 20));
  });

  it('depend on the length at hand only where the scaling does', () => {
    const depending = ROPE_KINDS.filter((kind) => ropeDependsOnLength({ ...PLAIN, scaling: { rope_type: kind } }));
    expect(depending).toEqual(['dynamic', 'longrope']);
  });
});
