/**
 * @file AdamW over 50 steps against an implementation of its own in f64, written from the paper (Loshchilov & Hutter 2019, algorithm 2,
 * with torch's decay lr * weight_decay): 1e-6 absolute on values near 1. Two buckets with another rate and decay each.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { EagerProgram } from '../../../../src-main/engine/compile/eager-program.ts';
import type { Entry, Program } from '../../../../src-main/engine/compile/program.ts';
import type { Variable } from '../../../../src-main/engine/device/runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';
import { makeAdamW } from '../../../../src-main/engine/optim/adamw.ts';
import { drawNormal } from '../../../../src-main/engine/peft/initial-values.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import { type Bucket, makeBuckets } from '../../../../src-main/engine/weights/trainables.ts';
import { openBinding } from '../support/open-binding.ts';
import { largestGap } from '../support/tiny-steps.ts';

const STEPS = 50;
const RATE = 3e-3;
const SETTINGS = { beta1: 0.9, beta2: 0.95, epsilon: 1e-6 };
const WEIGHT_DECAY = 0.1;
const BUCKETS = makeBuckets([
  { name: 'matrix', shape: [5, 7], decay: true, lrRatio: 1 },
  { name: 'bias', shape: [9], decay: false, lrRatio: 4 },
]);

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

const startOf = ({ variable, size }: Bucket): Float32Array<ArrayBuffer> => drawNormal(1, variable.name, size, 1);

/** Of very different sizes, zero in places. */
const gradientOf = ({ variable, size }: Bucket, step: number): Float32Array<ArrayBuffer> =>
  drawNormal(step + 2, variable.name, size, 1).map((value, at) => (at % 5 === 4 ? 0 : value * 10 ** ((at % 4) - 3)));

function reference(bucket: Bucket): Float64Array {
  const { beta1, beta2, epsilon } = SETTINGS;
  const theta = Float64Array.from(startOf(bucket));
  const m = new Float64Array(bucket.size);
  const v = new Float64Array(bucket.size);
  const rate = RATE * bucket.lrRatio;
  for (let t = 1; t <= STEPS; t += 1) {
    gradientOf(bucket, t).forEach((g, at) => {
      m[at] = beta1 * m[at]! + (1 - beta1) * g;
      v[at] = beta2 * v[at]! + (1 - beta2) * g * g;
      const mean = m[at] / (1 - beta1 ** t);
      const square = v[at] / (1 - beta2 ** t);
      const decay = bucket.decay ? rate * WEIGHT_DECAY * theta[at]! : 0;
      theta[at] = theta[at]! - decay - (rate * mean) / (Math.sqrt(square) + epsilon);
    });
  }
  return theta;
}

function makeEntry(): Entry {
  const optimizer = makeAdamW(SETTINGS);
  return {
    name: 'step',
    inputs: {
      hyper: { dtype: 'float32', shape: [3] },
      ...Object.fromEntries(
        BUCKETS.map(({ variable, size }) => [variable.name, { dtype: 'float32' as const, shape: [size] }]),
      ),
    },
    run(runner, inputs) {
      const [lr, ...scalars] = raw.split(inputs['hyper']!, [1, 1, 1], 0).map((part) => raw.reshape(part, []));
      const read = (variable: Variable) => makeTensor(runner, runner.read(variable), 'float32', variable.shape);
      for (const bucket of BUCKETS) {
        const slots = optimizer.slots(bucket);
        const next = optimizer.update({
          ...{ runner, bucket, scalars, p: read(bucket.variable), state: slots.map(read) },
          g: inputs[bucket.variable.name]!,
          lr: raw.multiply(lr!, bucket.lrRatio),
          weightDecay: bucket.decay ? WEIGHT_DECAY : 0,
        });
        runner.assign(bucket.variable, next.p.id);
        slots.forEach((slot, at) => runner.assign(slot, next.state[at]!.id));
      }
      return { done: raw.scalar(runner, 1) };
    },
  };
}

describe.each(['eager', 'compiled'] as const)('AdamW, %s', (mode) => {
  it('is that of the paper', () => {
    const optimizer = makeAdamW(SETTINGS);
    const slots = BUCKETS.flatMap((bucket) => optimizer.slots(bucket));
    const variables = [...BUCKETS.map(({ variable }) => variable), ...slots];
    const options = { entries: [makeEntry()], groups: { state: variables } };
    const program: Program =
      mode === 'eager' ? new EagerProgram(binding, options) : new CompiledProgram(binding, options);
    const start = new Map(BUCKETS.map((bucket) => [bucket.variable.name, startOf(bucket)]));
    const ids = variables.map(({ name, shape }) => {
      const values = start.get(name) ?? new Float32Array(shape[0]!);
      return [name, copyToDevice(binding, values, 'float32', shape, 'float32')] as const;
    });
    program.setVariables('state', new Map(ids));
    for (let step = 1; step <= STEPS; step += 1) {
      const gradients = BUCKETS.map((bucket) => [bucket.variable.name, gradientOf(bucket, step)] as const);
      const hyper = Float32Array.of(RATE, ...optimizer.scalars(step));
      program.call('step', {}, { hyper, ...Object.fromEntries(gradients) });
    }
    const end = program.readVariables('state');
    for (const bucket of BUCKETS) {
      expect(largestGap(end.get(bucket.variable.name)!, reference(bucket))).toBeLessThan(1e-6);
      expect(largestGap(end.get(bucket.variable.name)!, startOf(bucket))).toBeGreaterThan(0.03);
    }
    program.dispose();
  });
});
