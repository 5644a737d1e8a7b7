import { describe, expect, it } from 'vitest';
import { buildBatch } from '../../../../src-main/engine/data/batches.ts';
import { packRows } from '../../../../src-main/engine/data/packing.ts';
import { createBatchSampler, type BatchSamplerOptions } from '../../../../src-main/engine/data/sampler.ts';
import { randomUint32, shuffledIndices } from '../../../../src-main/engine/data/seeded-random.ts';
import { splitRows } from '../../../../src-main/engine/data/split.ts';
import type { TokenizedExample } from '../../../../src-main/engine/data/types.ts';

const SOURCE = { file: 'f', line: 1 };
const PAD = 99;

function example(ids: number[], trainedFrom = 1, rest: Partial<TokenizedExample> = {}): TokenizedExample {
  const labels = Int32Array.from(ids, (id, index) => (index >= trainedFrom ? id : -100));
  return { inputIds: Int32Array.from(ids), labels, target: null, decoderIds: null, source: SOURCE, ...rest };
}

describe('random order', () => {
  it('depends on each of its numbers', () => {
    const base = randomUint32(1, 2, 3);
    expect(randomUint32(1, 2, 3)).toBe(base);
    expect(new Set([base, randomUint32(2, 2, 3), randomUint32(1, 3, 3), randomUint32(1, 2, 4)]).size).toBe(4);
  });

  it('is a permutation in which every place is taken by everyone', () => {
    const order = shuffledIndices(100, 7, 0);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(order).not.toEqual(shuffledIndices(100, 7, 1));
    // Mean place of item 0 over 400 shuffles of 11: 5 with a standard error of 0.16.
    const places = Array.from({ length: 400 }, (_, stream) => shuffledIndices(11, 3, stream).indexOf(0));
    const mean = places.reduce((a, b) => a + b) / 400;
    expect(Math.abs(mean - 5)).toBeLessThan(0.8);
  });
});

describe('split', () => {
  const digests = Array.from(
    { length: 200 },
    (_, index) => (BigInt(index) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn,
  );

  it('holds out the wanted share, the same rows whatever their order', () => {
    const { train, eval: held } = splitRows(digests, 0.1, 42);
    expect(held).toHaveLength(20);
    expect([...train, ...held].sort((a, b) => a - b)).toEqual(digests.map((_, index) => index));
    const reversed = [...digests].reverse();
    const again = splitRows(reversed, 0.1, 42).eval.map((row) => reversed[row]!);
    expect(new Set(again)).toEqual(new Set(held.map((row) => digests[row]!)));
    expect(splitRows(digests, 0.1, 43).eval).not.toEqual(held);
  });

  it('keeps equal rows on one side and one row to train on', () => {
    const twice = [...digests.slice(0, 20), ...digests.slice(0, 20)];
    const { eval: held } = splitRows(twice, 0.3, 1);
    for (const row of held) expect(held).toContain((row + 20) % 40);
    expect(splitRows([5n, 5n], 0.5, 1)).toEqual({ train: [0, 1], eval: [] });
    expect(splitRows([5n, 6n], 0.01, 1).eval).toHaveLength(1);
    expect(splitRows(digests, 0, 1).eval).toEqual([]);
  });
});

describe('packing', () => {
  it('fills rows without exceeding them or losing anything', () => {
    const lengths = Array.from({ length: 3000 }, (_, index) => 1 + (randomUint32(5, 0, index) % 100));
    const rows = packRows(lengths, shuffledIndices(3000, 1, 0), 256);
    const sums = rows.map((row) => row.reduce((sum, index) => sum + lengths[index]!, 0));
    expect(Math.max(...sums)).toBeLessThanOrEqual(256);
    expect(rows.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
    const total = lengths.reduce((a, b) => a + b);
    expect(total / (rows.length * 256)).toBeGreaterThan(0.95);
  });
});

describe('sampler', () => {
  const lengths = Array.from({ length: 37 }, (_, index) => 1 + ((index * 13) % 40));
  const base: BatchSamplerOptions = {
    lengths,
    batchSize: 4,
    maxLength: 64,
    shuffle: true,
    packing: false,
    groupByLength: false,
    seed: 3,
  };
  const takeEpoch = (options: BatchSamplerOptions, epoch = 0): number[][] => {
    const sampler = createBatchSampler(options, { epoch, batch: 0 });
    return Array.from({ length: sampler.batchesPerEpoch }, () => sampler.next().rows.flat());
  };

  it.each([
    ['shuffled', {}],
    ['in order', { shuffle: false }],
    ['packed', { packing: true }],
    ['grouped by length', { groupByLength: true }],
  ])('%s: each example once an epoch, and the same again', (_, change) => {
    const options = { ...base, ...change };
    for (const epoch of [0, 1]) {
      const batches = takeEpoch(options, epoch);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_unused, index) => index));
      expect(takeEpoch(options, epoch)).toEqual(batches);
    }
    const isSame = JSON.stringify(takeEpoch(options, 0)) === JSON.stringify(takeEpoch(options, 1));
    expect(isSame).toBe('shuffle' in change);
  });

  it('goes on from a stored position as if it had never stopped', () => {
    for (const change of [{}, { packing: true }, { groupByLength: true }]) {
      const options = { ...base, ...change };
      const whole = createBatchSampler(options);
      const all = Array.from({ length: 3 * whole.batchesPerEpoch }, () => whole.next());
      const first = createBatchSampler(options);
      for (let step = 0; step < whole.batchesPerEpoch + 2; step++) first.next();
      const stored = JSON.parse(JSON.stringify(first.state()));
      const second = createBatchSampler(options, stored);
      expect(second.next()).toEqual(all[whole.batchesPerEpoch + 2]);
      expect(second.next().epoch).toBe(1);
    }
  });

  it('says where an epoch ends', () => {
    const sampler = createBatchSampler(base);
    const ends = Array.from({ length: 2 * sampler.batchesPerEpoch }, () => sampler.next().isLastOfEpoch);
    expect(ends.filter(Boolean)).toHaveLength(2);
    expect(ends[sampler.batchesPerEpoch - 1]).toBe(true);
  });

  it('grouping by length saves padding', () => {
    const many = Array.from({ length: 800 }, (_, index) => 1 + (randomUint32(1, 1, index) % 300));
    const padding = (groupByLength: boolean): number =>
      takeEpoch({ ...base, lengths: many, maxLength: 512, batchSize: 8, groupByLength })
        .map((batch) => batch.map((index) => many[index]!))
        .reduce((sum, batch) => sum + batch.reduce((lost, length) => lost + Math.max(...batch) - length, 0), 0);
    expect(padding(true)).toBeLessThan(padding(false) / 4);
  });
});

describe('batch', () => {
  const examples = [example([1, 2, 3, 4, 5], 3), example([6, 7, 8], 1), example([9, 10, 11], 2)];

  it('pads on the right to a multiple of eight and predicts the next token', () => {
    const batch = buildBatch(examples, [[0], [1]], { padTokenId: PAD, maxLength: 100 });
    expect(batch).toMatchObject({ batch: 2, seq: 8, tokens: 8, targets: null, decoder: null });
    expect([...batch.inputIds]).toEqual([1, 2, 3, 4, 5, PAD, PAD, PAD, 6, 7, 8, PAD, PAD, PAD, PAD, PAD]);
    expect([...batch.segmentIds]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
    expect([...batch.positionIds]).toEqual([0, 1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0]);
    expect([...batch.labelPositions]).toEqual([2, 3, 8, 9]);
    expect([...batch.labelIds]).toEqual([4, 5, 7, 8]);
  });

  it('restarts positions in packed rows and never predicts across examples', () => {
    const batch = buildBatch(examples, [[0, 1], [2]], { padTokenId: PAD, maxLength: 8 });
    expect(batch.seq).toBe(8);
    expect([...batch.inputIds.subarray(0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...batch.segmentIds]).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0]);
    expect([...batch.positionIds.subarray(0, 8)]).toEqual([0, 1, 2, 3, 4, 0, 1, 2]);
    expect([...batch.labelPositions]).toEqual([2, 3, 5, 6, 9]);
    expect([...batch.labelIds]).toEqual([4, 5, 7, 8, 11]);
    for (const position of batch.labelPositions) {
      expect(batch.segmentIds[position]).toBe(batch.segmentIds[position + 1]);
      expect(batch.inputIds[position + 1]).toBe(batch.labelIds[[...batch.labelPositions].indexOf(position)]);
    }
  });

  it('trains the same tokens packed and unpacked', () => {
    const labels = (rows: number[][]): number[] => [
      ...buildBatch(examples, rows, { padTokenId: PAD, maxLength: 16 }).labelIds,
    ];
    expect(labels([[0, 1, 2]]).sort()).toEqual(labels([[0], [1], [2]]).sort());
  });

  it('stays within a max_length that is no multiple of eight, and refuses more', () => {
    expect(buildBatch(examples, [[0]], { padTokenId: PAD, maxLength: 5 }).seq).toBe(5);
    expect(() => buildBatch(examples, [[0, 1]], { padTokenId: PAD, maxLength: 6 })).toThrow('internal');
  });

  it('rounds long rows up further where few lengths are wanted, by an eighth at most', () => {
    const lengthOfRow = (tokens: number, maxLength = 4096): number => {
      const row = example(
        Array.from({ length: tokens }, () => 1),
        0,
      );
      return buildBatch([row], [[0]], { padTokenId: PAD, maxLength, coarse: true }).seq;
    };
    expect([1, 9, 120, 128, 129, 145, 300, 1000, 1025].map((tokens) => lengthOfRow(tokens))).toEqual([
      8, 16, 120, 128, 144, 160, 320, 1024, 1152,
    ]);
    expect(lengthOfRow(1000, 1001)).toBe(1001);
    const lengths = Array.from({ length: 2048 }, (_, index) => [index + 1, lengthOfRow(index + 1)] as const);
    for (const [tokens, rounded] of lengths.slice(64)) expect(rounded / tokens).toBeLessThanOrEqual(1.125);
    expect(new Set(lengths.map(([, rounded]) => rounded)).size).toBe(48);
  });

  it('shifts the answers of an encoder-decoder', () => {
    const rows = [
      example([1, 2], 9, { decoderIds: Int32Array.of(5, 6, 1) }),
      example([3], 9, { decoderIds: Int32Array.of(7, 1) }),
    ];
    const batch = buildBatch(rows, [[0], [1]], { padTokenId: PAD, maxLength: 100, decoderStartTokenId: 0 });
    expect([...batch.decoder!.inputIds]).toEqual([
      0,
      5,
      6,
      PAD,
      PAD,
      PAD,
      PAD,
      PAD,
      0,
      7,
      PAD,
      PAD,
      PAD,
      PAD,
      PAD,
      PAD,
    ]);
    expect([...batch.labelPositions]).toEqual([0, 1, 2, 8, 9]);
    expect([...batch.labelIds]).toEqual([5, 6, 1, 7, 1]);
    expect(batch.tokens).toBe(3 + 5);
  });

  it('carries targets as whole or real numbers', () => {
    const build = (target: number | number[], problemType: 'single_label_classification' | 'regression') =>
      buildBatch([example([1], 9, { target })], [[0]], { padTokenId: PAD, maxLength: 8, problemType }).targets;
    expect(build(2, 'single_label_classification')).toEqual(Int32Array.of(2));
    expect(build(2, 'regression')).toEqual(Float32Array.of(2));
    expect(build([0, 1], 'regression')).toEqual(Float32Array.of(0, 1));
  });
});
