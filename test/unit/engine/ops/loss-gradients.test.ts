/**
 * @file The chunked loss and gradient checkpointing: gradients against finite differences (1e-3 relative), and against the same
 * computation without chunks and without checkpoints.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { EagerRunner } from '../../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { chunkedCrossEntropy } from '../../../../src-main/engine/loss/cross-entropy.ts';
import { activation } from '../../../../src-main/engine/ops/activation.ts';
import * as basics from '../../../../src-main/engine/ops/basics.ts';
import { checkpoint } from '../../../../src-main/engine/ops/checkpoint.ts';
import { takeRows, trainableEmbedding } from '../../../../src-main/engine/ops/embedding.ts';
import {
  frozenLinear,
  lowRankUpdate,
  type Parameter,
  trainableLinear,
} from '../../../../src-main/engine/ops/linear.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { rmsNorm } from '../../../../src-main/engine/ops/rms-norm.ts';
import { asLeaf, gradients, makeTensor, type Tensor } from '../../../../src-main/engine/ops/tensor.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { expectGradients, type GradientCase } from '../support/expect-gradients.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const HIDDEN = 4;
const VOCAB = 7;
/** Six rows, the last two of them filler. */
const LABELS = [3, 0, 6, 3, 0, 0];
const WEIGHTS = [1, 1, 1, 1, 0, 0];
const parameter = (tensor: Tensor): Parameter => ({ leaf: tensor, value: tensor });

const frozenHead = (like: Tensor): Tensor =>
  raw.constant(like.runner, drawNormal(9, 'head', VOCAB * HIDDEN, 1), 'float32', [VOCAB, HIDDEN]);

function labelTensors(like: Tensor): { labels: Tensor; weights: Tensor } {
  return {
    labels: raw.constant(like.runner, Int32Array.from(LABELS), 'int32', [6]),
    weights: raw.constant(like.runner, Float32Array.from(WEIGHTS), 'float32', [6]),
  };
}

const LOSSES: GradientCase[] = [1, 2, 3, 6].flatMap((chunks): GradientCase[] => [
  {
    title: `frozen head, ${chunks} chunks`,
    inputs: { hidden: { shape: [6, HIDDEN] } },
    run: ({ hidden }) => [
      chunkedCrossEntropy({
        ...{ hidden: hidden!, ...labelTensors(hidden!), headLeaves: [], chunks },
        head: (states) => frozenLinear(states, () => frozenHead(states), [VOCAB])[0]!,
      }),
    ],
  },
  {
    title: `trained head under an update, ${chunks} chunks`,
    inputs: {
      hidden: { shape: [6, HIDDEN] },
      w: { shape: [VOCAB, HIDDEN] },
      a: { shape: [2, HIDDEN] },
      b: { shape: [VOCAB, 2] },
    },
    run: ({ hidden, w, a, b }) => [
      chunkedCrossEntropy({
        ...{ hidden: hidden!, ...labelTensors(hidden!), headLeaves: [w!, a!, b!], chunks },
        head: (states) => {
          const y = trainableLinear(states, parameter(w!));
          return lowRankUpdate(states, [y], [{ a: parameter(a!), b: parameter(b!), s: null, scale: 1.5 }])[0]!;
        },
      }),
    ],
  },
]);

const TIED: GradientCase = {
  title: 'a table that is embedding and head at once',
  inputs: { table: { shape: [VOCAB, HIDDEN] }, norm: { shape: [HIDDEN] } },
  run: ({ table, norm }) => {
    const ids = raw.constant(table!.runner, Int32Array.from([1, 5, 1, 2]), 'int32', [4]);
    const places = raw.constant(table!.runner, Int32Array.from([3, 0, 1, 1, 0, 0]), 'int32', [6]);
    const states = rmsNorm(trainableEmbedding(parameter(table!), ids, null), norm!, {
      eps: 1e-2,
      dtype: 'float32',
    }).out;
    return [
      chunkedCrossEntropy({
        ...{ hidden: takeRows(states, places), ...labelTensors(table!), headLeaves: [table!], chunks: 2 },
        head: (hidden) => trainableLinear(hidden, parameter(table!)),
      }),
    ];
  },
};

/** Two residual blocks with a dropout mask drawn from a seed. */
function blocks(
  { x, w1, w2, norm }: Readonly<Record<string, Tensor>>,
  apply: (block: (input: Tensor) => Tensor, input: Tensor, leaves: Tensor[]) => Tensor,
): Tensor {
  const block = (w: Tensor, stream: number) => {
    return (input: Tensor): Tensor => {
      const seed = raw.constant(input.runner, Int32Array.of(17, stream), 'int32', [2]);
      const kept = raw.compare('GreaterEqual', raw.randomUniform(input.runner, input.shape, seed), 0.5);
      const mask = raw.multiply(raw.cast(kept, 'float32'), 2);
      const normed = basics.applyMask(rmsNorm(input, norm!, { eps: 1e-2, dtype: 'float32' }).out, mask);
      return basics.addToStream(input, activation(trainableLinear(normed, parameter(w)), 'silu'));
    };
  };
  const once = apply(block(w1!, 0), x!, [w1!, norm!]);
  return apply(block(w2!, 1), once, [w2!, norm!]);
}

const CHECKPOINT: GradientCase = {
  title: 'two checkpointed blocks that share a weight, dropout included',
  inputs: {
    x: { shape: [3, HIDDEN] },
    w1: { shape: [HIDDEN, HIDDEN] },
    w2: { shape: [HIDDEN, HIDDEN] },
    norm: { shape: [HIDDEN] },
  },
  run: (tensors) => [blocks(tensors, (block, input, leaves) => checkpoint(block, [input], leaves))],
};

describe('finite differences', () => {
  it.each([...LOSSES, TIED, CHECKPOINT])('$title', (options) => expectGradients(device, options));
});

describe('checkpointing', () => {
  const gradientsOf = (checkpointed: boolean): number[][] => {
    const runner = new EagerRunner(device);
    const found = runner.runStep({}, () => {
      const leaves = Object.fromEntries(
        Object.entries(CHECKPOINT.inputs).map(([name, { shape }]) => {
          const values = drawNormal(
            2,
            name,
            shape.reduce((a, b) => a * b),
            1,
          );
          return [name, asLeaf(makeTensor(runner, runner.input(values, 'float32', shape), 'float32', shape))];
        }),
      );
      const value = blocks(leaves, (block, input, own) =>
        checkpointed ? checkpoint(block, [input], own) : block(input),
      );
      const gradient = raw.constant(runner, drawNormal(3, 'dy', 3 * HIDDEN, 1), 'float32', [3, HIDDEN]);
      const grads = gradients([{ value, gradient }], Object.values(leaves), basics.sumGradients);
      return [value, ...grads].map((tensor) => [...(device.tensorDataSync(tensor!.id) as Float32Array)]);
    });
    runner.dispose();
    return found;
  };

  it('changes neither the value nor a gradient, bit for bit', () => {
    expect(gradientsOf(true)).toEqual(gradientsOf(false));
  });
});
