/**
 * @file A batch in shards against the batch as a whole: the same loss, gradients and evaluation, whatever the rows divide into, packed rows and
 * encoder-decoders included; and dropout that is not the same in every shard.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Batch } from '../../../../src-main/engine/data/batches.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTestFolder, T5_CONFIG, T5_SPREAD, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import {
  evaluate,
  largestGap,
  largestGapOf,
  makeBatch,
  makeExample,
  makePair,
  randomBatch,
  trainStep,
} from '../support/tiny-steps.ts';

const TOLERANCE = 1e-6;

const place = await makeTestFolder();
const { dir: llama } = await writeRandomModel(place('llama'));
const { dir: t5 } = await writeRandomModel(place('t5'), T5_CONFIG, 'F32', T5_SPREAD);

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions>): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir: llama, mode: 'compiled', optim: 'sgd', ...options });
  onTestFinished(() => run.dispose());
  return run;
}

/** One step of plain gradient descent at rate 1 moves every tensor by its gradient. */
async function stepped(batch: Batch, options: Partial<TinyRunOptions>) {
  const run = await openRun(options);
  const evaluated = evaluate(run, batch);
  const { loss, gradNorm } = trainStep(run, [batch], { learningRate: 1 });
  return { figures: [evaluated, loss, gradNorm], tensors: run.tensors() };
}

const BATCHES: [string, Partial<TinyRunOptions>, Batch][] = [
  ['as many rows as shards', {}, randomBatch(1, [9, 5])],
  ['rows that do not divide', {}, randomBatch(2, [9, 5, 17, 3, 8])],
  ['fewer rows than shards', {}, randomBatch(3, [11])],
  ['packed rows', {}, makeBatch([[makeExample(1, 5), makeExample(2, 8)], [makeExample(3, 13)], [makeExample(4, 4)]])],
  ['rows without labels in one shard', {}, withoutLabels(randomBatch(4, [6, 7, 5, 8]), 2)],
  ['all weights', { peft: { peft_type: 'NONE' } }, randomBatch(5, [9, 5, 6])],
  ['an encoder-decoder', { dir: t5 }, makeBatch([[makePair(1, 9, 4)], [makePair(2, 5, 13)], [makePair(3, 12, 6)]])],
];

/** The rows from `row` on train nothing. */
function withoutLabels(batch: Batch, row: number): Batch {
  const kept = batch.labelPositions.filter((position) => position < row * batch.seq);
  return { ...batch, labelPositions: kept, labelIds: batch.labelIds.slice(0, kept.length) };
}

describe.each(BATCHES)('%s', (_title, options, batch) => {
  it.each([2, 3])('in %i shards give what the batch gives as a whole', async (shards) => {
    const whole = await stepped(batch, options);
    const sharded = await stepped(batch, { ...options, shards });
    expect(largestGap(sharded.figures, whole.figures)).toBeLessThan(TOLERANCE * Math.max(1, ...whole.figures));
    expect(largestGapOf(sharded.tensors, whole.tensors)).toBeLessThan(TOLERANCE * whole.figures[2]!);
  });
});

it('adds up the gradients of several batches as before', async () => {
  const batches = [randomBatch(6, [9, 5, 4]), randomBatch(7, [12])];
  const [whole, sharded] = await Promise.all(
    [1, 2].map(async (shards) => {
      const run = await openRun({ accumulate: true, shards });
      return { ...trainStep(run, batches, { learningRate: 1 }), tensors: run.tensors() };
    }),
  );
  expect(sharded!.loss).toBeCloseTo(whole!.loss, 5);
  expect(largestGapOf(sharded!.tensors, whole!.tensors)).toBeLessThan(TOLERANCE * whole!.gradNorm);
});

it('drops other values in each shard: two like rows learn otherwise than one row twice', async () => {
  const row = makeExample(9, 12);
  const run = await openRun({ peft: { lora_dropout: 0.5 }, shards: 2 });
  const { loss } = trainStep(run, [makeBatch([[row], [row]])], { learningRate: 0 });
  const other = await openRun({ peft: { lora_dropout: 0.5 } });
  const alone = trainStep(other, [makeBatch([[row]])], { learningRate: 0 });
  // The first shard has the masks of a batch by itself.
  expect(Math.abs(loss - alone.loss)).toBeGreaterThan(1e-4);
});
