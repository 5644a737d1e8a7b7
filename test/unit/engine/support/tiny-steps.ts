/**
 * @file Batches of random token ids, and steps over them, as the training loop makes them.
 */
import { buildBatch, type Batch } from '../../../../src-main/engine/data/batches.ts';
import { randomUint32 } from '../../../../src-main/engine/data/seeded-random.ts';
import { IGNORED_LABEL, type TokenizedExample } from '../../../../src-main/engine/data/types.ts';
import { tokenArrays } from '../../../../src-main/engine/steps/token-inputs.ts';
import { hyperArray } from '../../../../src-main/engine/steps/train-step.ts';
import type { TinyRun } from './tiny-run.ts';

/** An example of random ids; the first third is not trained. */
export function makeExample(seed: number, length: number, vocab = 20): TokenizedExample {
  const inputIds = Int32Array.from({ length }, (_, index) => randomUint32(seed, 7, index) % vocab);
  const labels = inputIds.map((id, index) => (index === 0 || index < length / 3 ? IGNORED_LABEL : id));
  return { inputIds, labels, target: null, decoderIds: null, source: { file: 'random', line: seed } };
}

/** A source of random ids and an answer of another length. */
export function makePair(seed: number, length: number, answerLength: number, vocab = 20): TokenizedExample {
  const example = makeExample(seed, length, vocab);
  const decoderIds = Int32Array.from({ length: answerLength }, (_, index) => randomUint32(seed, 8, index) % vocab);
  return { ...example, labels: example.labels.map(() => IGNORED_LABEL), decoderIds };
}

/** A batch of these rows, each of one or more examples. */
export function makeBatch(rows: readonly (readonly TokenizedExample[])[], maxLength = 32): Batch {
  const examples = rows.flat();
  let next = 0;
  const places = rows.map((row) => row.map(() => next++));
  return buildBatch(examples, places, { padTokenId: 0, maxLength, decoderStartTokenId: 0 });
}

/** One example a row, by their lengths. */
export function randomBatch(seed: number, lengths: readonly number[]): Batch {
  return makeBatch(lengths.map((length, row) => [makeExample(seed * 100 + row, length)]));
}

export interface StepOptions {
  /** 1 for the first. */
  readonly step?: number;
  readonly learningRate?: number;
  /** 0 = no clipping. */
  readonly maxNorm?: number;
  /** Of the dropout masks. */
  readonly seed?: number;
  /** Factor on the summed loss; 1 / labels where left out. */
  readonly lossScale?: number;
}

export interface StepFigures {
  readonly loss: number;
  readonly gradNorm: number;
}

/** One optimizer step over batches whose gradients are added up. */
export function trainStep(run: TinyRun, batches: readonly Batch[], options: StepOptions = {}): StepFigures {
  const { step = 1, learningRate = 1e-3, maxNorm = 0, seed = step } = options;
  const labels = batches.reduce((sum, batch) => sum + batch.labelIds.length, 0);
  const { lossScale = 1 / labels } = options;
  const hyper = hyperArray(run.optimizer, step, learningRate, maxNorm);
  const inputsOf = (batch: Batch, index: number) => {
    const { arrays, sizes } = run.task.arrays(batch, lossScale);
    return { sizes, arrays: { ...arrays, seed: Int32Array.of(seed * 1000 + index) } };
  };
  if (!run.accumulate) {
    const { sizes, arrays } = inputsOf(batches[0]!, 0);
    const { loss, grad_norm } = run.program.call('train', sizes, { ...arrays, hyper });
    return { loss: loss![0]!, gradNorm: grad_norm![0]! };
  }
  let loss = 0;
  for (const [index, batch] of batches.entries()) {
    const { sizes, arrays } = inputsOf(batch, index);
    loss += run.program.call('accumulate', sizes, arrays)['loss']![0]!;
  }
  return { loss, gradNorm: run.program.call('apply', {}, { hyper })['grad_norm']![0]! };
}

/** Mean loss of a batch. */
export function evaluate(run: TinyRun, batch: Batch): number {
  const { sizes, arrays } = run.task.arrays(batch, 1 / batch.labelIds.length);
  return run.program.call('evaluate', sizes, arrays)['loss']![0]!;
}

/** Logits at all positions of a batch, of an encoder-decoder the decoder's, [batch * seq * vocab]. */
export function logitsOf(run: TinyRun, batch: Batch): Float32Array {
  const { arrays, sizes } = tokenArrays(run.tables, batch);
  const { seq } = batch.decoder ?? batch;
  const rows = Int32Array.from({ length: batch.batch * seq }, (_, index) => index);
  return run.program.call('logits', { ...sizes, rows: rows.length }, { ...arrays, rows })['logits'] as Float32Array;
}

/** Largest absolute difference; infinite where the lengths differ or a value is no number. */
export function largestGap(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < ours.length; i += 1) {
    const gap = Math.abs(ours[i]! - theirs[i]!);
    if (!(gap <= largest)) largest = Number.isNaN(gap) ? Infinity : gap;
  }
  return largest;
}

/** The same over all arrays of two maps with the same names. */
export function largestGapOf(
  ours: ReadonlyMap<string, ArrayLike<number>>,
  theirs: ReadonlyMap<string, ArrayLike<number>>,
): number {
  if ([...ours.keys()].join() !== [...theirs.keys()].join()) return Infinity;
  return Math.max(...[...ours].map(([name, values]) => largestGap(values, theirs.get(name)!)));
}
