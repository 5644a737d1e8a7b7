/**
 * @file The split into Unigram pieces against all splits of short words, and on words that are long.
 */
import { expect, it } from 'vitest';
import { randomUint32 } from '../../../../src-main/engine/data/seeded-random.ts';
import { makeUnigramEncoder } from '../../../../src-main/engine/tokenizer/unigram.ts';

const PIECES = ['<unk>', 'a', 'b', 'ab', 'abc', 'ca', 'bca', 'cc', 'aa', '😀b'];
const VOCAB = PIECES.map((piece, id): [string, number] => [piece, id === 0 ? 0 : -1 - ((id * 7) % 5) - id / 16]);
const UNKNOWN = Math.min(...VOCAB.map(([, score]) => score)) - 10;
const encode = makeUnigramEncoder({ vocab: VOCAB, byteFallback: false });

const scoreOf = (piece: string): number => VOCAB.find(([known]) => known === piece)?.[1] ?? UNKNOWN;

/** Scores of every way to cut a word, unknown pieces of one character only. */
function bestScore(chars: readonly string[]): number {
  if (chars.length === 0) return 0;
  return Math.max(
    ...chars.map((_, index) => {
      const piece = chars.slice(0, index + 1).join('');
      const isKnown = PIECES.includes(piece);
      return isKnown || index === 0 ? scoreOf(piece) + bestScore(chars.slice(index + 1)) : -Infinity;
    }),
  );
}

/** Joined unknown characters count one by one. */
const totalOf = (pieces: readonly string[]): number =>
  pieces.reduce((sum, piece) => sum + (PIECES.includes(piece) ? scoreOf(piece) : UNKNOWN * [...piece].length), 0);

it('finds a split with the largest score of all', () => {
  const letters = ['a', 'b', 'c', 'x', '😀'];
  for (let seed = 0; seed < 200; seed += 1) {
    const length = 1 + (randomUint32(seed, 1, 0) % 9);
    const word = Array.from({ length }, (_, index) => letters[randomUint32(seed, 2, index) % letters.length]!);
    const pieces = encode([word.join('')]);
    expect(pieces.join('')).toBe(word.join(''));
    expect(totalOf(pieces)).toBeCloseTo(bestScore(word), 9);
  }
});

it('joins unknown characters within a word, not beyond it', () => {
  expect(encode(['axyzb', 'xx', 'x'])).toEqual(['a', 'xyz', 'b', 'xx', 'x']);
});

it('falls back to bytes where the vocabulary has all of them', () => {
  const bytes = ['<0x78>', '<0xC3>', '<0xA9>'].map((piece): [string, number] => [piece, -9]);
  const fallsBack = makeUnigramEncoder({ vocab: [...VOCAB, ...bytes], byteFallback: true });
  expect(fallsBack(['axéb', 'ñ'])).toEqual(['a', '<0x78>', '<0xC3>', '<0xA9>', 'b', 'ñ']);
});

it('takes words of half a million characters, known and unknown', () => {
  const long = encode(['abc'.repeat(170_000)]);
  expect(long.join('')).toHaveLength(510_000);
  expect(long.length).toBeGreaterThan(160_000);
  expect(encode(['x'.repeat(500_000)])).toHaveLength(1);
});
