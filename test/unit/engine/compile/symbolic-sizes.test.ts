/**
 * @file Sizes that are known only when a step runs: their arithmetic, and ops over them in one graph against op-by-op execution.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { EagerProgram } from '../../../../src-main/engine/compile/eager-program.ts';
import type { Entry, Program } from '../../../../src-main/engine/compile/program.ts';
import { divideDim, evaluateDim, multiplyDims, sameDim, symbol } from '../../../../src-main/engine/device/dim.ts';
import type { Variable } from '../../../../src-main/engine/device/runner.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import { openBinding } from '../support/open-binding.ts';

const BATCH = symbol('batch');
const SEQ = symbol('seq');
const LABELS = symbol('labels');
/** 7 and 49 have no exact binary fractions. */
const PIECES = [1, 2, 7, 49];
const TOTAL: Variable = { name: 'total', dtype: 'float32', shape: [2] };

const SHAPES: Entry = {
  name: 'shapes',
  inputs: { x: { dtype: 'float32', shape: [BATCH, SEQ, 6] } },
  run(runner, { x }) {
    const heads = raw.reshape(x!, [BATCH, SEQ, 3, 2]);
    const turned = raw.transpose(heads, [0, 2, 1, 3]); // [batch, 3, seq, 2]
    const grouped = raw.reshape(turned, [BATCH, 1, multiplyDims(3, SEQ), 2]);
    const rows = raw.reshape(grouped, [-1, 2]); // [3 batch seq, 2]
    const twice = raw.concat([rows, rows], 0);
    const filled = raw.add(raw.fill(runner, twice.shape, 0.5), twice);
    const numbers = raw.cast(raw.range(runner, multiplyDims(BATCH, SEQ)), 'float32');
    return { filled, numbers, last: raw.sliceAxis(x!, 2, 4, 2), sum: raw.sumAll(filled) };
  },
};

const CUTS: Entry = {
  name: 'cuts',
  inputs: { x: { dtype: 'float32', shape: [LABELS, 3] } },
  run(runner, { x }) {
    const sums = PIECES.map((pieces) => {
      const parts = raw.splitEvenly(x!, pieces, 0);
      // Shapes that are computed from the piece's size: a size that is rounded wrongly does not add.
      const same = parts.map((part) => raw.add(part, raw.fill(runner, part.shape, 1)));
      return raw.concat(
        same.map((part) => raw.reshape(raw.sumAll(part), [1])),
        0,
      );
    });
    return Object.fromEntries(sums.map((sum, index) => [`into_${PIECES[index]}`, sum]));
  },
};

/** Returns what the variable was; reads it before and after it is given a new value. */
const COUNT: Entry = {
  name: 'count',
  inputs: { by: { dtype: 'float32', shape: [2] } },
  run(runner, { by }) {
    const total = makeTensor(runner, runner.read(TOTAL), 'float32', [2]);
    runner.assign(TOTAL, raw.add(total, by!).id);
    const again = makeTensor(runner, runner.read(TOTAL), 'float32', [2]);
    return { before: raw.multiply(total, 1), during: raw.multiply(again, 1) };
  },
};

const OPTIONS = { entries: [SHAPES, CUTS, COUNT], groups: { state: [TOTAL] } };
let programs: Program[];
beforeAll(async () => {
  const binding = await openBinding();
  programs = [new EagerProgram(binding, OPTIONS), new CompiledProgram(binding, OPTIONS)];
  for (const program of programs) {
    const zero = copyToDevice(binding, new Float32Array(2), 'float32', [2], 'float32');
    program.setVariables('state', new Map([[TOTAL.name, zero]]));
  }
});
afterAll(() => programs.forEach((program) => program.dispose()));

const countUp = (length: number): Float32Array<ArrayBuffer> => Float32Array.from({ length }, (_, index) => index);
const both = (name: string, sizes: Readonly<Record<string, number>>, inputs: Readonly<Record<string, Float32Array>>) =>
  programs.map((program) => program.call(name, sizes, inputs));

describe('one graph for all sizes', () => {
  it.each([
    { batch: 1, seq: 1 },
    { batch: 3, seq: 5 },
    { batch: 5, seq: 3 },
    { batch: 2, seq: 64 },
  ])('gives at $batch x $seq what single ops give', (sizes) => {
    const x = countUp(sizes.batch * sizes.seq * 6);
    const [eager, compiled] = both('shapes', sizes, { x });
    expect(compiled).toEqual(eager);
    expect(eager!['numbers']).toEqual(countUp(sizes.batch * sizes.seq));
    expect(eager!['filled']).toHaveLength(2 * x.length);
    expect(eager!['filled']!.slice(0, 4)).toEqual(
      Float32Array.of(0.5, 1.5, ...(sizes.seq > 1 ? [6.5, 7.5] : [2.5, 3.5])),
    );
  });

  it.each([98, 98 * 3, 98 * 50])('cuts %i rows into equal pieces', (labels) => {
    const x = countUp(labels * 3).map((value) => value % 11);
    const [eager, compiled] = both('cuts', { labels }, { x });
    expect(compiled).toEqual(eager);
    const total = x.reduce((sum, value) => sum + value, 0) + x.length;
    for (const pieces of PIECES) {
      const sums = eager![`into_${pieces}`] as Float32Array;
      expect(sums).toHaveLength(pieces);
      expect(sums.reduce((sum, value) => sum + value, 0)).toBe(total);
    }
  });
});

describe('a variable', () => {
  it('keeps its value until the step ends', () => {
    const first = both('count', {}, { by: Float32Array.of(1, 2) });
    const second = both('count', {}, { by: Float32Array.of(10, 20) });
    for (const { before, during } of first)
      expect([before, during]).toEqual([Float32Array.of(0, 0), Float32Array.of(0, 0)]);
    for (const { before, during } of second)
      expect([before, during]).toEqual([Float32Array.of(1, 2), Float32Array.of(1, 2)]);
    for (const program of programs)
      expect(program.readVariables('state').get('total')).toEqual(Float32Array.of(11, 22));
  });
});

describe('symbolic sizes', () => {
  it('multiply and divide as numbers do', () => {
    const rows = multiplyDims(6, SEQ, BATCH, 2);
    expect(evaluateDim(rows, { batch: 5, seq: 7 })).toBe(420);
    expect(evaluateDim(divideDim(rows, 4), { batch: 5, seq: 7 })).toBe(105);
    expect(sameDim(multiplyDims(BATCH, SEQ), multiplyDims(SEQ, BATCH))).toBe(true);
    expect(sameDim(multiplyDims(2, SEQ), SEQ)).toBe(false);
    expect(sameDim(divideDim(multiplyDims(49, SEQ), 49), SEQ)).toBe(true);
    expect(multiplyDims(2, 3)).toBe(6);
  });

  it('need a value when the step runs, and numbers that divide', () => {
    expect(() => evaluateDim(multiplyDims(BATCH, SEQ), { batch: 2 })).toThrow('seq');
    expect(() => divideDim(7, 2)).toThrow('7');
  });
});
