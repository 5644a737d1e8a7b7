/**
 * @file When a loss is reached, between evaluations; and the target that both PyTorch arms reach.
 */
import { describe, expect, it } from 'vitest';
import { secondsTo } from '../../bench/data/curve.ts';
import { bestTheirs, DATA_TEXT, type DataFigures, type DataResult, targetOf } from '../../bench/data/report.ts';

const CURVE = [
  { step: 0, seconds: 0, loss: 4 },
  { step: 5, seconds: 10, loss: 2 },
  { step: 10, seconds: 20, loss: 2.5 },
  { step: 15, seconds: 30, loss: 1 },
];

describe('seconds to a loss', () => {
  it('goes along the straight line between two evaluations, to the first time', () => {
    expect(secondsTo(CURVE, 3)).toBe(5);
    expect(secondsTo(CURVE, 2)).toBe(10);
    expect(secondsTo(CURVE, 1.75)).toBe(25);
    expect(secondsTo(CURVE, 5)).toBe(0);
  });

  it('is unknown where the loss is never reached', () => {
    expect(secondsTo(CURVE, 0.5)).toBeNull();
    expect(secondsTo([], 1)).toBeNull();
  });
});

describe('the table of the part data', () => {
  const result = (arm: string, side: 'ours' | 'theirs', factor: number, last: number): DataResult => {
    const curve = [
      { step: 0, seconds: 0, loss: 4 },
      { step: 10, seconds: factor, loss: last },
    ];
    return {
      arm,
      side,
      dtype: 'f32',
      samples: [{ curve, wallSeconds: 9, startSeconds: 1, peakBytes: 1e9 }],
      void: null,
    };
  };
  const figures = (results: readonly DataResult[]): DataFigures => {
    const facts = { rows: 560, tokens: 30_000, batch: 18, packedBatch: 2, learningRate: 1e-3, epochs: 3, rounds: 1 };
    return { model: 'sample', ...facts, results };
  };

  it('takes the loss that both PyTorch arms reach, and the faster of them', () => {
    const both = figures([
      result('PyTorch f32', 'theirs', 100, 1),
      result('PyTorch bf16', 'theirs', 60, 1.6),
      result('Tunesmith', 'ours', 20, 0),
    ]);
    expect(targetOf(both)).toBe(1.6);
    expect(bestTheirs(both)).toBe(60);
    const own = DATA_TEXT.formatFigures(both)
      .split('\n')
      .find((line) => line.startsWith('| Tunesmith'));
    // From 4 to 1.6 on the way from 4 to 0 in 20 s: 12 s, a fifth of 60.
    expect(own).toContain('| 12.0 | 0.20, kept |');
  });

  it('says what never came to the loss', () => {
    const text = DATA_TEXT.formatFigures(
      figures([result('PyTorch f32', 'theirs', 10, 1), result('Tunesmith', 'ours', 20, 2)]),
    );
    expect(text).toContain('| Tunesmith | not reached |');
  });
});
