/**
 * @file Which examples make the next batch: shuffled anew each epoch, resumable from two numbers.
 *
 * The whole plan of an epoch follows from lengths, settings, seed and the epoch's number. Packed rows are formed once, so each epoch
 * has the same number of batches; what changes is the order of the rows.
 */
import { packRows } from './packing.ts';
import { shuffledIndices } from './seeded-random.ts';

export interface BatchSamplerOptions {
  /** Tokens of each example. */
  readonly lengths: ArrayLike<number>;
  /** Rows of a batch. */
  readonly batchSize: number;
  readonly maxLength: number;
  readonly shuffle: boolean;
  /** Several examples in a row. */
  readonly packing: boolean;
  /** Without packing: batches of similar lengths, in shuffled order. */
  readonly groupByLength: boolean;
  readonly seed: number;
}

/** Position of the next batch; all that a checkpoint needs. */
export interface SamplerState {
  readonly epoch: number;
  readonly batch: number;
}

export interface PlannedBatch {
  /** 0-based. */
  readonly epoch: number;
  /** Example indices of each row; one index a row without packing. */
  readonly rows: readonly (readonly number[])[];
  readonly isLastOfEpoch: boolean;
}

export interface BatchSampler {
  readonly batchesPerEpoch: number;
  /** Goes on without end, epoch after epoch. */
  next(): PlannedBatch;
  state(): SamplerState;
}

const PACKING_STREAM = 0xffff_ffff;
/** Examples that are sorted by length together, in batches. */
const GROUP_BATCHES = 50;

/** @param state where to go on; left out = the first batch */
export function createBatchSampler(
  options: BatchSamplerOptions,
  state: SamplerState = { epoch: 0, batch: 0 },
): BatchSampler {
  const { lengths, batchSize } = options;
  if (lengths.length === 0) throw new Error('internal: a sampler needs at least one example');
  const packed = options.packing ? packAll(options) : null;
  const rowCount = packed?.length ?? lengths.length;
  const batchesPerEpoch = Math.ceil(rowCount / batchSize);
  let { epoch, batch } = state;
  let plan: { readonly epoch: number; readonly batches: readonly (readonly (readonly number[])[])[] } | null = null;
  return {
    batchesPerEpoch,
    state: () => ({ epoch, batch }),
    next: () => {
      if (plan?.epoch !== epoch) plan = { epoch, batches: planEpoch(options, packed, rowCount, epoch) };
      const isLastOfEpoch = batch === batchesPerEpoch - 1;
      const planned = { epoch, rows: plan.batches[batch]!, isLastOfEpoch };
      [epoch, batch] = isLastOfEpoch ? [epoch + 1, 0] : [epoch, batch + 1];
      return planned;
    },
  };
}

function packAll({ lengths, maxLength, shuffle, seed }: BatchSamplerOptions): number[][] {
  const order = shuffle
    ? shuffledIndices(lengths.length, seed, PACKING_STREAM)
    : Array.from({ length: lengths.length }, (_, index) => index);
  return packRows(lengths, order, maxLength);
}

function planEpoch(
  options: BatchSamplerOptions,
  packed: readonly (readonly number[])[] | null,
  rowCount: number,
  epoch: number,
): (readonly (readonly number[])[])[] {
  const { batchSize, shuffle, groupByLength, lengths, seed } = options;
  let order = shuffle ? shuffledIndices(rowCount, seed, epoch) : Array.from({ length: rowCount }, (_, index) => index);
  const groups = groupByLength && packed === null;
  if (groups)
    order = cut(order, batchSize * GROUP_BATCHES).flatMap((part) => part.sort((a, b) => lengths[b]! - lengths[a]!));
  const batches = cut(order, batchSize).map((rows) => rows.map((row) => packed?.[row] ?? [row]));
  if (!groups || !shuffle) return batches;
  // The short batch at the end stays there, so that all others have their full size.
  const full = batches.filter((rows) => rows.length === batchSize);
  const shuffled = shuffledIndices(full.length, seed ^ 0x5bd1e995, epoch).map((index) => full[index]!);
  return [...shuffled, ...batches.filter((rows) => rows.length < batchSize)];
}

function cut(items: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
