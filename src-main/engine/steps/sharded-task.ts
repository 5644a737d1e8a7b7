/**
 * @file A batch computed as shards, side by side: each has some of its rows, goes through the model by itself, and losses and gradients are
 * added up. On a processor whose ops have one thread each, every core then works through a shard of its own and none waits for another at
 * each op; what little an op cannot share among cores costs nothing any more. The idea is data parallelism within one process and one graph.
 *
 * All shards have the same sizes, so that one set of symbols serves them: where rows do not divide, the last ones get rows of padding, which
 * nobody sees and which have no labels. Dropout differs from shard to shard.
 */
import type { StepContext } from '../nn/step-context.ts';
import * as basics from '../ops/basics.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { StepBatch, StepInputs, StepResult, StepTask } from './step-task.ts';
import { isTableInput, longestOf, type TokenArrays } from './token-inputs.ts';

/** @param task whose loss counts labels alone, so that a row without any is none; 1 shard = the task itself */
export function shardedTask(task: StepTask, shards: number): StepTask {
  if (shards === 1) return task;
  const numbers = Array.from({ length: shards }, (_, shard) => shard);
  const own = Object.entries(task.inputs).filter(([name]) => !isShared(name));
  const shared = Object.entries(task.inputs).filter(([name]) => isShared(name));
  return {
    ...task,
    inputs: Object.fromEntries([
      ...shared,
      ...numbers.flatMap((shard) => own.map(([name, spec]) => [inputOf(shard, name), spec] as const)),
    ]),
    forward(ctx, inputs) {
      const inputsOf = (shard: number): StepInputs =>
        Object.fromEntries(
          Object.keys(task.inputs).map((name) => [name, inputs[isShared(name) ? name : inputOf(shard, name)]!]),
        );
      return addUp(numbers.map((shard) => task.forward(contextOf(ctx, shard), inputsOf(shard))));
    },
    arrays(batch, scale) {
      const parts = cutBatch(batch, shards);
      const common = { labels: Math.max(...parts.map((part) => task.countLabels(part))), longest: longestOf(batch) };
      const made = parts.map((part) => task.arrays(part, scale, common));
      const arrays = made.flatMap((part, shard) =>
        Object.entries(part.arrays).map(
          ([name, values]) => [isShared(name) ? name : inputOf(shard, name), values] as const,
        ),
      );
      return { arrays: Object.fromEntries(arrays), sizes: made[0]!.sizes };
    },
  };
}

const isShared = (name: string): boolean => name === 'loss_scale' || isTableInput(name);
const inputOf = (shard: number, name: string): string => `shard_${shard}/${name}`;

const contextOf = (ctx: StepContext, shard: number): StepContext => ({
  ...ctx,
  dropoutMask: (place, shape, p) => ctx.dropoutMask(`shard_${shard}/${place}`, shape, p),
});

/** Losses, and what is read back beside them, which must be sums as well. */
function addUp(results: readonly StepResult[]): StepResult {
  const sum = (tensors: readonly Tensor[], add: (a: Tensor, b: Tensor) => Tensor): Tensor => tensors.reduce(add);
  return {
    loss: sum(
      results.map(({ loss }) => loss),
      basics.add,
    ),
    outputs: Object.fromEntries(
      Object.keys(results[0]!.outputs).map((name) => [
        name,
        sum(
          results.map(({ outputs }) => outputs[name]!),
          raw.add,
        ),
      ]),
    ),
  };
}

/** Rows in their order, as many to each shard. */
function cutBatch(batch: StepBatch, shards: number): StepBatch[] {
  if (batch.targets !== null) throw new Error('internal: rows of padding would count for a classifier');
  const rows = Math.ceil(batch.batch / shards);
  return Array.from({ length: shards }, (_, shard): StepBatch => {
    const first = shard * rows;
    const decoder = batch.decoder && cutGrid(batch.decoder, first, rows);
    const { seq } = batch.decoder ?? batch;
    const [from, to] = [first * seq, (first + rows) * seq];
    const isOwn = (position: number): boolean => position >= from && position < to;
    return {
      batch: rows,
      ...cutGrid(batch, first, rows),
      labelPositions: batch.labelPositions.filter(isOwn).map((position) => position - from),
      labelIds: batch.labelIds.filter((_id, index) => isOwn(batch.labelPositions[index]!)),
      targets: null,
      decoder,
    };
  });
}

type Grid = Pick<TokenArrays, 'seq' | 'inputIds' | 'positionIds' | 'segmentIds'>;

/** Some rows; beyond the last one zeros, which are padding by their segment. */
function cutGrid({ seq, inputIds, positionIds, segmentIds }: Grid, first: number, rows: number): Grid {
  const cut = (values: Int32Array): Int32Array => {
    const found = values.subarray(first * seq, (first + rows) * seq);
    if (found.length === rows * seq) return found;
    const filled = new Int32Array(rows * seq);
    filled.set(found);
    return filled;
  };
  return { seq, inputIds: cut(inputIds), positionIds: cut(positionIds), segmentIds: cut(segmentIds) };
}
