/**
 * @file Kernels that are written otherwise than the single ops they stand for: the loss over a wide vocabulary, and two results of one work.
 * Against the same sums in double precision, from the same values of bf16 (which f32 has too).
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import type { Entry } from '../../../../src-main/engine/compile/program.ts';
import { symbol } from '../../../../src-main/engine/device/dim.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { softmaxCrossEntropy } from '../../../../src-main/engine/loss/cross-entropy.ts';
import { fusedPair } from '../../../../src-main/engine/ops/fused-pair.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { openBinding } from '../support/open-binding.ts';

const ROWS = symbol('rows');

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

function openProgram(entry: Entry): CompiledProgram {
  const program = new CompiledProgram(binding, { entries: [entry], groups: {} });
  onTestFinished(() => program.dispose());
  return program;
}

/** To the nearest number of 8 binary digits, and to even between two. */
function roundToBf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(rounded).buffer)[0]!;
}

/** One row per place of the largest value: the ends of what is laid over each other, and of the pieces that labels are written in. */
function placesIn(vocab: number): number[] {
  const quarter = Math.ceil(vocab / 4);
  return [0, 1, 31, 32, quarter - 1, quarter, 2 * quarter, 3 * quarter - 1, vocab - quarter, vocab - 33, vocab - 1];
}

const FLOATS = ['float32', 'bfloat16'] as const;
const WAYS = FLOATS.flatMap((dtype) => [true, false].map((fuses) => ({ dtype, fuses })));
/** How far a slope may be off, for each of its own size. */
const SLOPE_ERROR = { float32: 2e-5, bfloat16: 2 ** -8 };

describe.each([
  { title: 'whole pieces, folded once', vocab: 4160 },
  { title: 'pieces that do not come out even, folded once', vocab: 4101 },
  { title: 'folded twice', vocab: 16_448 },
  { title: 'whole pieces, too narrow to fold', vocab: 96 },
])('the loss over $vocab words: $title', ({ vocab }) => {
  const cases = [
    { title: 'the label is the likeliest', height: 9, labelOf: (top: number) => top },
    { title: 'the label is another', height: 9, labelOf: (top: number) => (top + 32) % vocab },
    { title: 'logits lie far apart', height: 200, labelOf: (top: number) => vocab - 1 - top },
    { title: 'all logits are below zero', height: -300, labelOf: (top: number) => (top + 1) % vocab },
  ];
  it.each(cases.flatMap((one) => WAYS.map((way) => ({ ...one, ...way }))))(
    'where $title, in $dtype, fused: $fuses',
    ({ height, labelOf, dtype, fuses }) => {
      const tops = placesIn(vocab);
      const shape = [ROWS, vocab];
      const program = openProgram({
        name: 'loss',
        inputs: { logits: { dtype: 'float32', shape }, labels: { dtype: 'int32', shape: [ROWS] } },
        fuses,
        run(_, { logits, labels }) {
          const { losses, slopes } = softmaxCrossEntropy(raw.cast(logits!, dtype), labels!);
          return { losses, slopes: raw.cast(slopes(), 'float32') };
        },
      });
      const base = height < 0 ? 2 * height : 0;
      const logits = drawNormal(vocab, 'logits', tops.length * vocab, 1).map((value) => roundToBf16(value + base));
      tops.forEach((top, row) => (logits[row * vocab + top] = roundToBf16(height)));
      const labels = Int32Array.from(tops, labelOf);
      const { losses, slopes } = program.call('loss', { rows: tops.length }, { logits, labels });
      tops.forEach((_, row) => {
        const own = logits.subarray(row * vocab, (row + 1) * vocab);
        const largest = own.reduce((a, b) => Math.max(a, b));
        const logSum = largest + Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
        const wanted = logSum - own[labels[row]!]!;
        expect(Math.abs(losses![row]! - wanted), `row ${row}`).toBeLessThan(2e-6 * Math.max(1, Math.abs(logSum)));
        own.forEach((logit, at) => {
          const slope = Math.exp(logit - logSum) - (at === labels[row] ? 1 : 0);
          const gap = Math.abs(slopes![row * vocab + at]! - slope);
          if (gap > SLOPE_ERROR[dtype] * Math.abs(slope) + 1e-6)
            expect.fail(`slope ${at} of row ${row}: off by ${gap}`);
        });
      });
    },
  );
});

describe('two results of one work', () => {
  it.each(FLOATS)('are those of two kernels, to the last bit, in %s', (dtype) => {
    const round = dtype === 'bfloat16' ? roundIfNumber : Math.fround;
    const slack = dtype === 'bfloat16' ? 2 ** -8 : 2e-6;
    const shape = [ROWS, 4];
    const program = openProgram({
      name: 'pair',
      inputs: { x: { dtype: 'float32', shape } },
      fuses: true,
      run(_, { x }) {
        const [first, second] = fusedPair([raw.cast(x!, dtype)], (value) => [
          raw.multiply(value, 1.2345678),
          raw.exp(raw.negate(value)),
        ]);
        return { first: raw.cast(first!, 'float32'), second: raw.cast(second!, 'float32') };
      },
    });
    // Values of both signs, ties of the rounding, what overflows, and what is no number.
    const rest = [0, -0, 1e-37, -88, 1 + 2 ** -8, 3e38, -3e38, Infinity, -Infinity, NaN];
    const x = Float32Array.from([...drawNormal(1, 'x', 90, 3), ...rest], roundToBf16);
    x[x.length - 1] = NaN;
    const { first, second } = program.call('pair', { rows: x.length / 4 }, { x });
    x.forEach((value, at) => {
      expect(first![at], `${value} times a factor`).toBe(round(Math.fround(value * Math.fround(1.2345678))));
      const exact = Math.exp(-value);
      const gap = Math.abs(second![at]! - exact) / exact;
      if (Number.isFinite(exact) && exact > 1e-37) expect(gap, `exp of ${-value}`).toBeLessThanOrEqual(slack);
      else if (Number.isNaN(value)) expect(second![at]).toBeNaN();
    });
  });
});

const roundIfNumber = (value: number): number => (Number.isFinite(value) ? roundToBf16(value) : value);
