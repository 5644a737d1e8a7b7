/**
 * @file Builds the arrays of one batch: padded on the right, packed rows separated by segment numbers and restarted positions.
 */
import { coarseSize } from '../../../src-shared/domain/coarse-size.ts';
import type { ProblemType } from './class-labels.ts';
import { lengthOf } from './lengths.ts';
import { layOutRows } from './row-layout.ts';
import { IGNORED_LABEL, type TokenizedExample } from './types.ts';

/** What the model gets. Flat arrays are row-major [batch, seq]. */
export interface Batch {
  readonly batch: number;
  readonly seq: number;
  /** [batch, seq], padded with the padding token. */
  readonly inputIds: Int32Array;
  /** [batch, seq]; restart at 0 with each example of a row; 0 where padded. */
  readonly positionIds: Int32Array;
  /** [batch, seq]; 1, 2, … for the examples of a row, 0 = padding. */
  readonly segmentIds: Int32Array;
  /**
   * [labels]: flat index of each position whose next token is trained; that token is in the same example. For encoder-decoders the
   * index is into the decoder's arrays, and the token is the one that stands at that place of the answer.
   */
  readonly labelPositions: Int32Array;
  /** [labels]: the token to predict there. */
  readonly labelIds: Int32Array;
  /** Classifiers: class ids [batch], or 0/1 per class or numbers, [batch * width] f32; null otherwise. */
  readonly targets: Int32Array | Float32Array | null;
  /** Encoder-decoders: what the decoder reads; null otherwise. */
  readonly decoder: DecoderBatch | null;
  /** Tokens that are not padding, the decoder's included. */
  readonly tokens: number;
}

/** The answers shifted by one: a start token in front, the last token left out. */
export interface DecoderBatch {
  readonly seq: number;
  readonly inputIds: Int32Array;
  readonly positionIds: Int32Array;
  readonly segmentIds: Int32Array;
}

export interface BuildBatchOptions {
  readonly padTokenId: number;
  /** Rows are never longer. */
  readonly maxLength: number;
  /** Lengths are rounded up further the longer they are, by an eighth at most, so that few different ones occur. */
  readonly coarse?: boolean;
  /** Token that an encoder-decoder's answers begin with. */
  readonly decoderStartTokenId?: number;
  /** What a token costs beside a pair of tokens of a row (row-layout.ts): packed rows are then laid out anew. Left out = kept as they are. */
  readonly tokenCost?: number;
  /** Whether a label is the next token's (where left out) or that of its own place (masked words). */
  readonly predicts?: 'next' | 'masked';
  /** Classifiers: class ids are whole numbers, all other targets f32. */
  readonly problemType?: ProblemType;
}

/** Lengths are rounded up to this, so that few different shapes occur; only the largest one allowed may be no multiple of it. */
export const LENGTH_STEP = 8;

/** Tokens that a row takes in a batch. @param coarse as in `BuildBatchOptions` */
export function roundLength(tokens: number, coarse: boolean): number {
  return coarse ? coarseSize(tokens) : Math.ceil(tokens / LENGTH_STEP) * LENGTH_STEP;
}

/**
 * @param rows example indices of each row (`PlannedBatch.rows`); packed ones may be laid out in other rows
 * @throws Error internal, where a row holds more than `maxLength` tokens
 */
export function buildBatch(
  examples: readonly TokenizedExample[],
  rows: readonly (readonly number[])[],
  options: BuildBatchOptions,
): Batch {
  const byRow = layOut(
    rows.map((row) => row.map((index) => examples[index]!)),
    options,
  );
  const grid = fillGrid(
    byRow.map((row) => row.map((example) => example.inputIds)),
    options,
  );
  const hasDecoder = byRow[0]?.[0]?.decoderIds !== null;
  const answers = hasDecoder ? byRow.map((row) => row.map((example) => example.decoderIds!)) : null;
  const decoder =
    answers === null
      ? null
      : fillGrid(
          answers.map((row) => row.map((ids) => shiftRight(ids, options))),
          options,
        );
  const labels =
    answers === null || decoder === null
      ? collectLabels(
          byRow.map((row) => row.map((example) => example.labels)),
          grid.seq,
          options.predicts ?? 'next',
        )
      : collectAnswers(answers, decoder.seq);
  return {
    batch: byRow.length,
    seq: grid.seq,
    inputIds: grid.inputIds,
    positionIds: grid.positionIds,
    segmentIds: grid.segmentIds,
    ...labels,
    targets: collectTargets(byRow.flat(), options.problemType ?? 'single_label_classification'),
    decoder: decoder && {
      seq: decoder.seq,
      inputIds: decoder.inputIds,
      positionIds: decoder.positionIds,
      segmentIds: decoder.segmentIds,
    },
    tokens: grid.tokens + (decoder?.tokens ?? 0),
  };
}

type Rows = readonly (readonly TokenizedExample[])[];

function layOut(rows: Rows, { maxLength, tokenCost }: BuildBatchOptions): Rows {
  const isPacked = rows.some((row) => row.length > 1);
  return isPacked && tokenCost !== undefined ? layOutRows(rows, { lengthOf, maxLength, tokenCost }) : rows;
}

interface Grid extends DecoderBatch {
  readonly tokens: number;
}

function fillGrid(
  rows: readonly (readonly Int32Array[])[],
  { padTokenId, maxLength, coarse = false }: BuildBatchOptions,
): Grid {
  const longest = Math.max(1, ...rows.map((row) => row.reduce((sum, ids) => sum + ids.length, 0)));
  if (longest > maxLength) throw new Error(`internal: a row has ${longest} tokens, more than max_length ${maxLength}`);
  const seq = Math.min(maxLength, roundLength(longest, coarse));
  const inputIds = new Int32Array(rows.length * seq).fill(padTokenId);
  const positionIds = new Int32Array(rows.length * seq);
  const segmentIds = new Int32Array(rows.length * seq);
  let tokens = 0;
  for (const [rowIndex, row] of rows.entries()) {
    let offset = rowIndex * seq;
    for (const [segment, ids] of row.entries()) {
      inputIds.set(ids, offset);
      segmentIds.fill(segment + 1, offset, offset + ids.length);
      for (let index = 0; index < ids.length; index++) positionIds[offset + index] = index;
      offset += ids.length;
      tokens += ids.length;
    }
  }
  return { seq, inputIds, positionIds, segmentIds, tokens };
}

function shiftRight(ids: Int32Array, { decoderStartTokenId }: BuildBatchOptions): Int32Array {
  if (decoderStartTokenId === undefined)
    throw new Error('internal: an encoder-decoder batch needs decoderStartTokenId');
  return Int32Array.from([decoderStartTokenId, ...ids.subarray(0, -1)]);
}

type Labels = Pick<Batch, 'labelPositions' | 'labelIds'>;

function collectLabels(
  rows: readonly (readonly Int32Array[])[],
  seq: number,
  predicts: NonNullable<BuildBatchOptions['predicts']>,
): Labels {
  const back = predicts === 'next' ? 1 : 0;
  const positions: number[] = [];
  const ids: number[] = [];
  for (const [rowIndex, row] of rows.entries()) {
    let offset = rowIndex * seq;
    for (const labels of row) {
      for (let index = back; index < labels.length; index++) {
        if (labels[index] === IGNORED_LABEL) continue;
        positions.push(offset + index - back);
        ids.push(labels[index]!);
      }
      offset += labels.length;
    }
  }
  return { labelPositions: Int32Array.from(positions), labelIds: Int32Array.from(ids) };
}

function collectAnswers(rows: readonly (readonly Int32Array[])[], seq: number): Labels {
  const positions: number[] = [];
  const ids: number[] = [];
  for (const [rowIndex, row] of rows.entries()) {
    let offset = rowIndex * seq;
    for (const answer of row) {
      answer.forEach((id, index) => {
        positions.push(offset + index);
        ids.push(id);
      });
      offset += answer.length;
    }
  }
  return { labelPositions: Int32Array.from(positions), labelIds: Int32Array.from(ids) };
}

function collectTargets(
  examples: readonly TokenizedExample[],
  problemType: ProblemType,
): Int32Array | Float32Array | null {
  const targets = examples.map((example) => example.target).filter((target) => target !== null);
  if (targets.length === 0) return null;
  const values = targets.flatMap((target) => (typeof target === 'number' ? [target] : [...target]));
  return problemType === 'single_label_classification' ? Int32Array.from(values) : Float32Array.from(values);
}
