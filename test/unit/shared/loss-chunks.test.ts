import { describe, expect, it } from 'vitest';
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';

const MIB = 1 << 20;

describe('chunks of the loss', () => {
  it.each([
    { labels: 512, vocab: 49_152, compute: 'float32' as const, most: 96 * MIB, bytes: 4 },
    { labels: 1020, vocab: 49_152, compute: 'float32' as const, most: 96 * MIB, bytes: 4 },
    { labels: 510, vocab: 49_152, compute: 'bfloat16' as const, most: 24 * MIB, bytes: 2 },
    { labels: 2048, vocab: 128_256, compute: 'bfloat16' as const, most: 24 * MIB, bytes: 2 },
  ])('of $labels labels over $vocab words in $compute are as few as fit', ({ labels, vocab, compute, most, bytes }) => {
    const chunks = chooseChunks(labels, vocab, compute);
    const bytesOf = (count: number): number => (labels / count) * vocab * bytes;
    expect(bytesOf(chunks)).toBeLessThanOrEqual(most);
    if (chunks > 1) expect(bytesOf(chunks - 1)).toBeGreaterThan(most);
  });

  it('are at least one, and no more than a graph should have', () => {
    expect(chooseChunks(0, 0, 'float32')).toBe(1);
    expect(chooseChunks(1_000_000, 256_000, 'bfloat16')).toBe(64);
  });
});
