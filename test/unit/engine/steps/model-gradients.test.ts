/**
 * @file The gradient of a whole training step against finite differences of the evaluated loss, tensor by tensor: 1e-3 of the tensor's
 * own gradient, along the gradient and along a random direction.
 *
 * DoRA is left out: its norm is a constant in the backward pass by design (ops/linear-gradients.test.ts).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Batch } from '../../../../src-main/engine/data/batches.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import { packValues } from '../../../../src-main/engine/weights/trainables.ts';
import { makeTestFolder, T5_CONFIG, T5_GATED, T5_SPREAD, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions, type Values } from '../support/tiny-run.ts';
import { evaluate, makeBatch, makeExample, makePair, trainStep } from '../support/tiny-steps.ts';

const SMALL = { hidden_size: 8, intermediate_size: 12, head_dim: 4, num_attention_heads: 4 };
const place = await makeTestFolder();
const { dir: plain } = await writeRandomModel(place('plain'), SMALL);
const { dir: tied } = await writeRandomModel(place('tied'), {
  ...{ ...SMALL, tie_word_embeddings: true, attention_bias: true, mlp_bias: true, hidden_act: 'gelu' },
});
// Not its own ReLU, whose corners a stencil of this width steps over.
const { dir: t5 } = await writeRandomModel(place('t5'), { ...T5_CONFIG, feed_forward_proj: 'gelu' }, 'F32', T5_SPREAD);
const { dir: gated } = await writeRandomModel(place('gated'), { ...T5_CONFIG, ...T5_GATED }, 'F32', T5_SPREAD);
const BATCH = makeBatch([[makeExample(1, 6), makeExample(2, 5)], [makeExample(3, 9)]]);

/** Sources and answers of other lengths, two of them in one row. */
const PAIRS = makeBatch([[makePair(1, 6, 4), makePair(2, 5, 7)], [makePair(3, 9, 5)]]);

/** Updates of a size at which the loss is not too crooked for the stencil. */
const MILD = { lora_alpha: 4 };

interface Setting extends Pick<TinyRunOptions, 'dir' | 'peft' | 'checkpointing'> {
  readonly title: string;
  readonly batch?: Batch;
}

const SETTINGS: Setting[] = [
  {
    title: 'LoRA, the head included',
    dir: plain,
    peft: { ...MILD, target_modules: ['q_proj', 'v_proj', 'up_proj', 'lm_head'] },
  },
  { title: 'Quasi-LoRA with checkpoints', dir: plain, peft: { ...MILD, peft_type: 'QLORA' }, checkpointing: true },
  { title: 'all weights', dir: plain, peft: { peft_type: 'NONE' } },
  { title: 'all weights and biases, head and table tied', dir: tied, peft: { peft_type: 'NONE' }, checkpointing: true },
  { title: 'T5: LoRA', dir: t5, peft: { ...MILD, target_modules: 'all-linear' }, checkpointing: true, batch: PAIRS },
  { title: 'T5: all weights', dir: t5, peft: { peft_type: 'NONE' }, batch: PAIRS },
  { title: 'T5 1.1: all weights', dir: gated, peft: { peft_type: 'NONE' }, checkpointing: true, batch: PAIRS },
];

/** Directional slopes by a five-point stencil of this width along a direction of length 1. */
const STEP = 0.025;
/** The loss is an f32 near 3: this much of a slope is lost in its rounding. */
const ROUNDING = 3e-5;

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

function setTensors(run: TinyRun, values: Values): void {
  const ids = run.buckets.map((bucket) => {
    const flat = packValues(bucket, values);
    return [bucket.variable.name, copyToDevice(binding, flat, 'float32', [flat.length], 'float32')] as const;
  });
  run.program.setVariables('state', new Map(ids));
}

const lengthOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** d loss / d t of moving one tensor by t * direction. */
function slopeAlong(run: TinyRun, batch: Batch, start: Values, name: string, direction: Float32Array): number {
  const lossAt = (t: number): number => {
    const moved = start.get(name)!.map((value, at) => value + t * direction[at]!);
    setTensors(run, new Map([...start, [name, moved]]));
    return evaluate(run, batch);
  };
  const near = lossAt(STEP) - lossAt(-STEP);
  return (8 * near - (lossAt(2 * STEP) - lossAt(-2 * STEP))) / (12 * STEP);
}

describe.each(SETTINGS)('$title', ({ batch = BATCH, ...settings }) => {
  it('has the gradients of finite differences', async () => {
    const run = await openTinyRun({ ...settings, binding, mode: 'eager', optim: 'sgd', chunks: 3 });
    const start = run.tensors();
    trainStep(run, [batch], { learningRate: 1 });
    const grads = new Map(
      [...run.tensors()].map(([name, end]) => [name, start.get(name)!.map((value, at) => value - end[at]!)]),
    );
    for (const [name, grad] of grads) {
      const length = lengthOf(grad);
      expect(length, name).toBeGreaterThan(name.endsWith('k_proj.bias') ? 0 : 3 * ROUNDING);
      const allowed = 1e-3 * length + ROUNDING;
      const along = grad.map((value) => value / Math.max(length, 1e-12));
      const random = drawNormal(3, name, grad.length, 1);
      const size = lengthOf(random);
      for (const direction of [along, random.map((value) => value / size)]) {
        const slope = slopeAlong(run, batch, start, name, direction);
        expect(Math.abs(slope - dot(grad, direction)), name).toBeLessThan(allowed);
      }
    }
    run.dispose();
  });
});
