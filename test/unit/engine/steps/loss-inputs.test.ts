/**
 * @file Labels filled up to rows of the loss: to what the chunks need, and where steps fuse to one of few numbers.
 */
import { describe, expect, it } from 'vitest';
import { labelArrays } from '../../../../src-main/engine/steps/loss-inputs.ts';

function fill(count: number, chunks: number, coarse = false) {
  const labels = { labelPositions: Int32Array.from({ length: count }, (_, at) => at + 5) };
  const labelIds = labels.labelPositions.map((at) => at + 100);
  const { arrays, sizes } = labelArrays({ ...labels, labelIds }, 0.5, { chunks, coarse });
  return { rows: sizes['labels']!, ids: [...arrays['label_ids']!], weights: [...arrays['label_weights']!] };
}

const COUNTS = Array.from({ length: 1500 }, (_, index) => index + 1);

describe('labels of a batch', () => {
  it('are filled up to equal chunks by rows that weigh nothing', () => {
    expect(fill(5, 3)).toEqual({ rows: 6, ids: [105, 106, 107, 108, 109, 0], weights: [1, 1, 1, 1, 1, 0] });
    expect(fill(0, 2)).toEqual({ rows: 2, ids: [0, 0], weights: [0, 0] });
    expect(COUNTS.map((count) => fill(count, 1).rows)).toEqual(COUNTS);
  });

  it.each([1, 3])('come in few numbers where each costs a kernel (%i chunks)', (chunks) => {
    const found = COUNTS.map((count) => fill(count, chunks, true));
    expect(new Set(found.map(({ rows }) => rows)).size).toBeLessThan(64);
    found.forEach(({ rows, weights }, index) => {
      const count = COUNTS[index]!;
      expect(rows % chunks).toBe(0);
      expect(rows).toBeGreaterThanOrEqual(count);
      expect(rows).toBeLessThanOrEqual(Math.ceil(count / chunks) * chunks * 1.125 + 8 * chunks);
      expect(weights.reduce((sum, weight) => sum + weight)).toBe(count);
    });
  });
});
