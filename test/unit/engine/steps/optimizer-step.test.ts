/**
 * @file The end of a training step: clipping, steps that are skipped, what is trained and what is not, seeds of dropout.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions, type Values } from '../support/tiny-run.ts';
import { evaluate, largestGapOf, randomBatch, trainStep } from '../support/tiny-steps.ts';

const place = await makeTestFolder();
const { dir } = await writeRandomModel(place('model'), { tie_word_embeddings: true });

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions> = {}): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir, mode: 'eager', ...options });
  onTestFinished(() => run.dispose());
  return run;
}

const BATCH = randomBatch(1, [9, 14]);
const OTHER = randomBatch(2, [12]);
const ALL = { peft_type: 'NONE' } as const;

/** What a step of plain descent at rate 1 took away: the gradient that the optimizer got. */
async function gradientsOf(maxNorm: number): Promise<{ gradNorm: number; grads: Values }> {
  const run = await openRun({ optim: 'sgd' });
  const before = run.tensors();
  const { gradNorm } = trainStep(run, [BATCH], { learningRate: 1, maxNorm });
  const grads = new Map([...run.tensors()].map(([name, values]) => [name, subtract(before.get(name)!, values)]));
  return { gradNorm, grads };
}

const subtract = (a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(a, (value, at) => value - b[at]!);
const scaled = (values: Values, factor: number): Values =>
  new Map([...values].map(([name, array]) => [name, array.map((value) => value * factor)]));
const normOf = (values: Values): number =>
  Math.sqrt([...values.values()].reduce((sum, array) => sum + array.reduce((own, value) => own + value ** 2, 0), 0));

describe('clipping', () => {
  it('scales all gradients by one factor, down to the largest norm', async () => {
    const free = await gradientsOf(0);
    expect(normOf(free.grads) / free.gradNorm).toBeCloseTo(1, 5);
    const most = free.gradNorm / 3;
    const clipped = await gradientsOf(most);
    expect(clipped.gradNorm).toBe(free.gradNorm);
    expect(normOf(clipped.grads) / most).toBeCloseTo(1, 5);
    expect(largestGapOf(clipped.grads, scaled(free.grads, most / (free.gradNorm + 1e-6)))).toBeLessThan(1e-6);
  });

  it('leaves smaller gradients as they are, bit for bit', async () => {
    const free = await gradientsOf(0);
    const loose = await gradientsOf(free.gradNorm * 1.01);
    expect(largestGapOf(loose.grads, free.grads)).toBe(0);
  });
});

describe.each([
  { mode: 'compiled', accumulate: false, fuses: false },
  { mode: 'compiled', accumulate: true, fuses: false },
  { mode: 'compiled', accumulate: false, fuses: true },
  { mode: 'compiled', accumulate: true, fuses: true },
  { mode: 'eager', accumulate: true, fuses: false },
] as const)('a gradient that is not finite ($mode, gradients added up: $accumulate, fused: $fuses)', (way) => {
  it('changes nothing, and the next step is what it would have been', async () => {
    const { accumulate } = way;
    const options = { ...way, weightDecay: 0.1 };
    const [run, other] = [await openRun(options), await openRun(options)];
    const batches = accumulate ? [BATCH, OTHER] : [BATCH];
    for (const each of [run, other]) trainStep(each, batches, { step: 1 });
    const before = run.program.readVariables('state');
    for (const lossScale of [Infinity, NaN, 3e38]) {
      const { gradNorm } = trainStep(run, batches, { step: 2, lossScale, maxNorm: 1 });
      expect(Number.isFinite(gradNorm)).toBe(false);
      expect(largestGapOf(run.program.readVariables('state'), before)).toBe(0);
    }
    for (const each of [run, other]) trainStep(each, batches, { step: 3 });
    expect(largestGapOf(run.tensors(), other.tensors())).toBe(0);
  });
});

describe.each(['adamw', 'adam', 'sgd', 'lion', 'adafactor'] as const)('an update by %s', (optim) => {
  it.each([false, true])('is the same as one kernel (gradients added up: %s)', async (accumulate) => {
    const options = { optim, accumulate, weightDecay: 0.1 };
    const single = await openRun({ ...options, mode: 'compiled' });
    const fused = await openRun({ ...options, mode: 'compiled', fuses: true });
    const start = single.tensors();
    const batches = accumulate ? [BATCH, OTHER] : [BATCH];
    for (const run of [single, fused]) {
      for (const step of [1, 2, 3]) trainStep(run, batches, { step, learningRate: 1e-2, maxNorm: 0.1 });
    }
    expect(largestGapOf(fused.tensors(), single.tensors())).toBeLessThan(1e-5);
    expect(largestGapOf(fused.tensors(), start)).toBeGreaterThan(1e-4);
  });
});

describe('training', () => {
  it.each([
    { title: 'LoRA', peft: { lora_dropout: 0.1 }, changed: /lora_[AB]\.weight$/ },
    { title: 'DoRA', peft: { use_dora: true }, changed: /lora_([AB]\.weight|magnitude_vector)$/ },
    { title: 'Quasi-LoRA', peft: { peft_type: 'QLORA' }, changed: /(lora_[AB]\.weight|scaling_vector)$/ },
    { title: 'some weights', peft: { ...ALL, trainable_modules: ['layers.1.mlp'] }, changed: /layers\.1\.mlp\./ },
  ] as const)('$title changes every trained tensor and no frozen one', async ({ peft, changed }) => {
    const run = await openRun({ peft: peft as TinyRunOptions['peft'] & object });
    const [frozen, trained] = [run.program.readVariables('frozen'), run.tensors()];
    const first = evaluate(run, BATCH);
    for (let step = 1; step <= 5; step += 1) trainStep(run, [BATCH], { step, learningRate: 1e-2 });
    expect(largestGapOf(run.program.readVariables('frozen'), frozen)).toBe(0);
    expect(frozen.size).toBeGreaterThan(4);
    for (const [name, values] of run.tensors()) {
      expect(name).toMatch(changed);
      expect(values, name).not.toEqual(trained.get(name));
    }
    expect(evaluate(run, BATCH)).toBeLessThan(first);
  });

  it('keeps weight decay from norms and biases', async () => {
    const run = await openRun({ peft: ALL, optim: 'sgd', weightDecay: 0.5 });
    const plain = await openRun({ peft: ALL, optim: 'sgd' });
    const before = run.tensors();
    for (const each of [run, plain]) trainStep(each, [BATCH], { learningRate: 0.1 });
    const undecayed = plain.tensors();
    for (const [name, values] of run.tensors()) {
      const decayed = undecayed.get(name)!.map((value, at) => value - 0.05 * before.get(name)![at]!);
      const wanted = /norm\.weight$|layernorm\.weight$/.test(name) ? undecayed.get(name)! : decayed;
      expect(largestGapOf(new Map([[name, values]]), new Map([[name, wanted]])), name).toBeLessThan(1e-6);
    }
  });
});

describe('dropout', () => {
  const trained = async (seeds: readonly number[], lora_dropout = 0.3): Promise<{ losses: number[]; end: Values }> => {
    const run = await openRun({ peft: { lora_dropout } });
    const losses = seeds.map((seed, index) => trainStep(run, [BATCH], { step: index + 1, seed }).loss);
    return { losses, end: run.tensors() };
  };

  it('is the same with the same seed, bit for bit, and another with another', async () => {
    const [first, again, other] = [await trained([5, 6]), await trained([5, 6]), await trained([7, 8])];
    expect(again.losses).toEqual(first.losses);
    expect(largestGapOf(again.end, first.end)).toBe(0);
    expect(Math.abs(other.losses[0]! - first.losses[0]!)).toBeGreaterThan(1e-5);
    expect(largestGapOf(other.end, first.end)).toBeGreaterThan(1e-5);
  });

  it('draws anew in each step', async () => {
    const run = await openRun({ peft: { lora_dropout: 0.3 } });
    const losses = [1, 2, 3].map((seed) => trainStep(run, [BATCH], { seed, learningRate: 0 }).loss);
    expect(new Set(losses).size).toBe(3);
  });

  it('of zero takes nothing from the seed', async () => {
    const [first, other] = [await trained([5], 0), await trained([7], 0)];
    expect(other.losses).toEqual(first.losses);
    expect(largestGapOf(other.end, first.end)).toBe(0);
  });

  it('is off in evaluation', async () => {
    const [with_, without] = [await openRun({ peft: { lora_dropout: 0.5 } }), await openRun()];
    expect(evaluate(with_, BATCH)).toBe(evaluate(without, BATCH));
  });
});
