/**
 * @file From the events of a process to the table: figures, ratios, what is asked.
 */
import { describe, expect, it } from 'vitest';
import type { MeteredRun } from '../../bench/process-meter.ts';
import { OWN_BF16, REFERENCE_BF16 } from '../../bench/training/arms.ts';
import { type ArmResult, type Sample, toSample } from '../../bench/training/measure.ts';
import { TRAINING_TEXT, type TrainingFigures } from '../../bench/training/report.ts';

const CEILING = {
  peak: 2e11,
  peakTorch: 1e11,
  peakBinding: 2e11,
  stepSeconds: 0.5,
  stepSecondsTorch: 0.8,
  stepSecondsBinding: 0.6,
};

function sample(stepSeconds: number, bytes: number): Sample {
  const peaks = { treePeakBytes: bytes, largestPeakBytes: bytes };
  return { losses: [1], stepSeconds, firstStepSeconds: 3, ...peaks, partsMs: {} };
}

function arm(name: string, samples: readonly Sample[], fault: string | null = null): ArmResult {
  return { arm: name, products: 'bf16', samples, void: fault, lossDifference: null, gate: null };
}

function figures(arms: readonly ArmResult[]): TrainingFigures {
  const roofline = { bandwidthBytesPerSecond: 1e10, f32: CEILING, bf16: CEILING };
  const size = { tokensPerStep: 1000, flopsPerStep: 1e11, rounds: 3, steps: 8 };
  return { model: '135M', workload: '4x250', ...size, rooflines: [roofline, roofline, roofline], arms, anatomy: [] };
}

const rowsOf = (text: string): string[][] =>
  text.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('the table of a training workload', () => {
  it('gives speed, share of the roofline, FLOP/s and the ratio of the same rounds', () => {
    const theirs = arm(REFERENCE_BF16, [sample(4, 3e9), sample(2, 3e9), sample(4, 3e9)]);
    const ours = arm(OWN_BF16, [sample(1, 2e9), sample(0.5, 2e9), sample(1, 2e9)]);
    const rows = rowsOf(TRAINING_TEXT.formatFigures(figures([theirs, ours])));
    const own = rows.find(([name]) => name === OWN_BF16)!;
    expect(own.slice(1, 6)).toEqual(['1000 (1000-1500)', '50 %', '100', '1000', '2.00']);
    expect(own.at(-1)).toBe('4.00');
    const wanted = rows.filter(([name]) => name?.startsWith('bf16:'));
    expect(wanted.map(([, , found, kept]) => [found, kept])).toEqual([
      ['4.00', 'yes'],
      ['0.67', 'yes'],
      ['0.50', '**no**'],
    ]);
  });

  it('takes the share of the roofline in each round by itself', () => {
    const ceilingOf = (stepSeconds: number) => ({ ...CEILING, stepSeconds });
    const rooflines = [0.4, 0.9, 0.5].map((seconds) => ({
      bandwidthBytesPerSecond: 1e10,
      f32: CEILING,
      bf16: ceilingOf(seconds),
    }));
    const ours = arm(OWN_BF16, [sample(0.8, 1e9), sample(1, 1e9), sample(1, 1e9)]);
    const text = TRAINING_TEXT.formatFigures({ ...figures([ours]), rooflines });
    expect(rowsOf(text).find(([name]) => name === OWN_BF16)![2]).toBe('50 %');
    expect(text).toContain('2000 (1556-2250)');
  });

  it('divides an arm that ran once by the same round of the reference', () => {
    const theirs = arm(REFERENCE_BF16, [sample(6, 3e9), sample(2, 3e9), sample(2, 3e9)]);
    const rows = rowsOf(TRAINING_TEXT.formatFigures(figures([theirs, arm('Tunesmith INT8', [sample(2, 1e9)])])));
    expect(rows.find(([name]) => name === 'Tunesmith INT8')?.at(-1)).toBe('3.00');
  });

  it('sets the parts of a step beside PyTorch’s own', () => {
    const parts = { forward_ms: 1000.4, backward_ms: 2900, optimizer_ms: 12 };
    const theirs = arm(REFERENCE_BF16, [{ ...sample(4, 3e9), partsMs: parts }]);
    const own = {
      forwardMs: 400,
      backwardMs: 900,
      optimizerMs: 5,
      javascriptMs: 2.34,
      liveTensors: 7,
      tensorsGained: 0,
    };
    const rows = rowsOf(
      TRAINING_TEXT.formatFigures({ ...figures([theirs]), anatomy: [{ arm: OWN_BF16, anatomy: own }] }),
    );
    expect(rows).toContainEqual([OWN_BF16, '400', '900', '5', '2.3', '7', '0']);
    expect(rows).toContainEqual([REFERENCE_BF16, '1000', '2900', '12', '', '', '']);
  });

  it('shows why a row is void and asks nothing of it', () => {
    const theirs = arm(REFERENCE_BF16, [sample(4, 3e9)]);
    const text = TRAINING_TEXT.formatFigures(figures([theirs, arm(OWN_BF16, [sample(1, 2e9)], 'losses differ')]));
    expect(text).toContain('void: losses differ');
    expect(text).not.toContain('bf16: tokens/s');
  });
});

describe('a sample of one process', () => {
  const run = (code: number, ends: readonly number[]): MeteredRun => ({
    code,
    events: ends.map((atMs, index) => ({ atMs, body: { event: 'step', loss: index, forward_ms: 10 * index } })),
    stderr: 'Traceback\nMemoryError: no room',
    wallMs: 1,
    treePeakBytes: 5,
    largestPeakBytes: 4,
    cardPeakBytes: null,
  });

  it('leaves the first steps out of the median', () => {
    const found = toSample(run(0, [9000, 9900, 9950, 10950, 12950, 16950]), 6);
    expect(found).toMatchObject({ firstStepSeconds: 9, stepSeconds: 2, losses: [0, 1, 2, 3, 4, 5] });
    expect(found).toMatchObject({ partsMs: { forward_ms: 40 } });
  });

  it('says what went wrong', () => {
    expect(toSample(run(1, [1]), 1)).toBe('ended with 1: MemoryError: no room');
    expect(toSample(run(0, [1]), 2)).toBe('1 steps instead of 2');
  });
});
