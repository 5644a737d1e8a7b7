/**
 * @file Optimizers against torch.optim and transformers over 50 steps of given gradients (1e-6 absolute on values near 0.1), and
 * schedules against transformers' own rates (1e-8).
 */
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { CompiledProgram } from '../../src-main/engine/compile/compiled-program.ts';
import type { Entry } from '../../src-main/engine/compile/program.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';
import * as raw from '../../src-main/engine/ops/primitives.ts';
import { makeTensor } from '../../src-main/engine/ops/tensor.ts';
import { makeOptimizer } from '../../src-main/engine/optim/make-optimizer.ts';
import { makeSchedule } from '../../src-main/engine/optim/schedule.ts';
import { copyToDevice } from '../../src-main/engine/weights/load-weights.ts';
import { makeBuckets } from '../../src-main/engine/weights/trainables.ts';
import { locateRuntime } from '../../src-main/services/runtime-locator.ts';
import type { TrainingConfig } from '../../src-shared/schema/run-config.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { largestDifference, readTensors } from './support/tensors.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const STEPS = 50;
const LEARNING_RATE = 2e-3;
/** Matrices, a row, a column and vectors: Adafactor keeps other state for each. */
const SHAPES = [[4, 16], [16, 4], [7], [1, 9], [5, 1], [3, 33], [12]];
const ADAM = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, momentum: 0.9, weight_decay: 0 };

const OPTIMIZERS = [
  { optim: 'adamw' },
  { optim: 'adamw', weight_decay: 0.1, adam_beta1: 0.8, adam_beta2: 0.95, adam_epsilon: 1e-6 },
  { optim: 'adam' },
  { optim: 'adam', weight_decay: 0.1, adam_epsilon: 1e-6 },
  { optim: 'sgd', momentum: 0 },
  { optim: 'sgd', weight_decay: 0.1 },
  { optim: 'lion', adam_beta2: 0.99 },
  { optim: 'lion', adam_beta2: 0.99, weight_decay: 0.1 },
  { optim: 'adafactor' },
  { optim: 'adafactor', weight_decay: 0.1 },
].map((settings) => ({ ...ADAM, ...settings }));

const SCHEDULES = [
  { type: 'constant', warmup: 0 },
  { type: 'constant_with_warmup', warmup: 7 },
  { type: 'linear', warmup: 7 },
  { type: 'linear', warmup: 0 },
  { type: 'cosine', warmup: 7 },
  { type: 'cosine', warmup: 3, settings: { num_cycles: 1.5 } },
  { type: 'cosine_with_restarts', warmup: 7 },
  { type: 'cosine_with_restarts', warmup: 5, settings: { num_cycles: 3 } },
  { type: 'polynomial', warmup: 7 },
  { type: 'polynomial', warmup: 0, settings: { lr_end: 1e-5, power: 2 } },
  { type: 'inverse_sqrt', warmup: 7 },
  { type: 'inverse_sqrt', warmup: 0 },
  { type: 'inverse_sqrt', warmup: 4, settings: { timescale: 25 } },
] as const;

const folder = makeWorkFolder('optimizers');
const outOf = (index: number) => path.join(folder, `${index}.safetensors`);
let rates: number[][] = [];
let binding: TensorFlowBinding;

beforeAll(async () => {
  const runtime = await locateRuntime();
  if (runtime === null) throw new Error('the TensorFlow runtime is not installed: run `npm run setup`');
  binding = loadTensorFlow({ bindingPath: runtime.bindingPath });
  const results = await runReference(folder, [
    ...OPTIMIZERS.map((settings, index) => ({
      op: 'optimize',
      training: { ...settings, learning_rate: LEARNING_RATE, per_device_train_batch_size: 1 },
      shapes: SHAPES,
      steps: STEPS,
      out: outOf(index),
    })),
    ...SCHEDULES.map(({ type, warmup, ...rest }) => ({
      op: 'schedule',
      name: type,
      learning_rate: LEARNING_RATE,
      warmup_steps: warmup,
      total_steps: STEPS,
      settings: 'settings' in rest ? rest.settings : {},
    })),
  ]);
  rates = results.slice(OPTIMIZERS.length).map((result) => result.rates as number[]);
}, REFERENCE_TIMEOUT_MS);

/** Parameters after every step. */
function optimize(
  training: TrainingConfig,
  initial: Float32Array<ArrayBuffer>,
  gradients: Float32Array<ArrayBuffer>,
): Float32Array {
  const tensors = SHAPES.map((shape, index) => ({ name: String(index), shape, decay: true, lrRatio: 1 }));
  const [bucket] = makeBuckets(tensors);
  if (bucket === undefined) throw new Error('no bucket');
  const optimizer = makeOptimizer(training);
  const slots = optimizer.slots(bucket);
  const count = optimizer.scalars(1).length;
  const entry: Entry = {
    name: 'step',
    inputs: {
      g: { dtype: 'float32', shape: [bucket.size] },
      hyper: { dtype: 'float32', shape: [count + 1] },
    },
    run(runner, { g, hyper }) {
      const read = (variable: (typeof slots)[number]) =>
        makeTensor(runner, runner.read(variable), 'float32', variable.shape);
      const sizes = Array.from({ length: count + 1 }, () => 1);
      const [lr, ...scalars] = raw.split(hyper!, sizes, 0).map((part) => raw.reshape(part, []));
      const state = slots.map(read);
      const next = optimizer.update({
        ...{ runner, bucket, p: read(bucket.variable), g: g!, state, lr: lr!, scalars },
        weightDecay: training.weight_decay,
      });
      runner.assign(bucket.variable, next.p.id);
      slots.forEach((slot, index) => runner.assign(slot, next.state[index]!.id));
      return { p: raw.add(next.p, 0) };
    },
  };
  const program = new CompiledProgram(binding, { entries: [entry], groups: { state: [bucket.variable, ...slots] } });
  const upload = (values: Float32Array<ArrayBuffer>) =>
    copyToDevice(binding, values, 'float32', [values.length], 'float32');
  program.setVariables(
    'state',
    new Map([
      [bucket.variable.name, upload(initial)],
      ...slots.map(({ name, shape }) => [name, upload(new Float32Array(shape[0]!))] as const),
    ]),
  );
  const values = new Float32Array(STEPS * bucket.size);
  for (let step = 0; step < STEPS; step += 1) {
    const g = gradients.slice(step * bucket.size, (step + 1) * bucket.size);
    const hyper = Float32Array.of(training.learning_rate, ...optimizer.scalars(step + 1));
    values.set(program.call('step', {}, { g, hyper })['p']!, step * bucket.size);
  }
  program.dispose();
  return values;
}

test.each(OPTIMIZERS.map((settings, index) => ({ settings, index, title: JSON.stringify(settings) })))(
  'parameters over 50 steps: $title',
  ({ settings, index }) => {
    const tensors = readTensors(outOf(index));
    const data = (name: string) => new Float32Array(tensors.get(name)!.data);
    const training = { ...settings, learning_rate: LEARNING_RATE } as unknown as TrainingConfig;
    const ours = optimize(training, data('initial'), data('gradients'));
    const last = data('values').slice(-data('initial').length);
    expect(largestDifference(last, data('initial'))).toBeGreaterThan(1e-3);
    expect(largestDifference(ours, data('values'))).toBeLessThan(1e-6);
  },
);

test.each(SCHEDULES.map((schedule, index) => ({ schedule, index, title: JSON.stringify(schedule) })))(
  'rates: $title',
  ({ schedule, index }) => {
    const training = {
      learning_rate: LEARNING_RATE,
      lr_scheduler_type: schedule.type,
      lr_scheduler_kwargs: 'settings' in schedule ? schedule.settings : {},
      warmup_steps: schedule.warmup,
      warmup_ratio: 0,
    } as unknown as TrainingConfig;
    const rate = makeSchedule(training, STEPS);
    const ours = Array.from({ length: STEPS + 3 }, (_, done) => rate(done));
    expect(largestDifference(ours, rates[index]!)).toBeLessThan(1e-8);
  },
);
