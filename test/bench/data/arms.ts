/**
 * @file The contestants on rows of real lengths: our packed and our length-grouped batches, the Trainer's padded ones.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { KERNEL_CACHE_VARIABLE } from '../../../src-main/engine/device/kernel-cache.ts';
import type { MeteredRun } from '../process-meter.ts';
import { lastWords, type RunSettings } from '../surroundings.ts';
import type { CurvePoint } from './curve.ts';
import type { TokenFiles } from './token-rows.ts';

/** The same for all arms of a workload. */
export interface Task {
  readonly folder: string;
  readonly python: string;
  readonly model: string;
  readonly adapter: string;
  readonly files: TokenFiles;
  readonly learningRate: number;
  /** Packed rows of our batches. */
  readonly packedBatch: number;
  /** Rows of all other batches: as many as a packed batch holds on average. */
  readonly batch: number;
  readonly epochs: number;
  readonly evalEvery: number;
}

export interface DataArm {
  readonly name: string;
  readonly side: 'ours' | 'theirs';
  readonly dtype: 'f32' | 'bf16';
  readonly command: (task: Task) => string[];
  readonly settings: (task: Task) => RunSettings;
  /** @returns what went wrong in place of a curve */
  readonly readCurve: (run: MeteredRun) => CurvePoint[] | string;
}

const SEED = 42;
/** Ours may go on longer: what counts is when the loss is reached. */
const MORE_EPOCHS = 2;

export const DATA_ARMS: readonly DataArm[] = [
  theirArm('PyTorch f32', 'f32'),
  ourArm('Tunesmith f32, packed', 'f32', true),
  ourArm('Tunesmith f32, grouped by length', 'f32', false),
  theirArm('PyTorch bf16', 'bf16'),
  ourArm('Tunesmith bf16, packed', 'bf16', true),
  ourArm('Tunesmith bf16, grouped by length', 'bf16', false),
  ourArm('Tunesmith bf16, grouped, with the kernels of that run', 'bf16', false, { keepsKernels: true }),
];

function theirArm(name: string, dtype: 'f32' | 'bf16'): DataArm {
  return {
    name,
    side: 'theirs',
    dtype,
    command: ({ folder, python, model, adapter, files, ...task }) => {
      const spec = path.join(folder, 'trainer.json');
      const work = { model, adapter, train: files.train, eval: files.eval, dtype, seed: SEED };
      const settings = { batch: task.batch, epochs: task.epochs, learning_rate: task.learningRate };
      writeFileSync(spec, JSON.stringify({ ...work, ...settings, eval_every: task.evalEvery }));
      return [python, '-B', path.join(REPO_ROOT, 'test/bench/python/train_rows.py'), spec];
    },
    settings: () => ({}),
    readCurve: (run) => {
      if (run.code !== 0) return lastWords(run);
      const evals = run.events.filter(({ body }) => body.event === 'eval');
      return evals.map(({ body }) => point(body.step, body.elapsed_ms, body.eval_loss));
    },
  };
}

/** @param options `keepsKernels`: compiled kernels of the arm before are there, as where somebody trains on the same data again */
function ourArm(name: string, dtype: 'f32' | 'bf16', packing: boolean, { keepsKernels = false } = {}): DataArm {
  return {
    name,
    side: 'ours',
    dtype,
    settings: ({ folder }) => {
      const kernels = path.join(folder, 'kernels');
      if (!keepsKernels) rmSync(kernels, { recursive: true, force: true });
      mkdirSync(kernels, { recursive: true });
      return { env: { [KERNEL_CACHE_VARIABLE]: kernels } };
    },
    command: (task) => {
      const config = path.join(task.folder, 'rows-config.json');
      const output = path.join(task.folder, 'rows-run');
      rmSync(output, { recursive: true, force: true });
      writeFileSync(config, JSON.stringify(ourConfig(task, dtype, packing)));
      const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
      const files = ['--model', task.model, '--data', task.files.train, '--output', output, '--config', config];
      return [process.execPath, script, 'train', ...files, '--json'];
    },
    readCurve: ourCurve,
  };
}

function ourConfig({ model, adapter, files, ...task }: Task, dtype: 'f32' | 'bf16', packing: boolean) {
  return {
    model: { path: model },
    data: { train: [files.train], eval: [files.eval], format: 'tokens', packing },
    quantization: { method: dtype === 'f32' ? 'none' : 'bf16' },
    peft: { peft_type: 'LORA', adapter_path: adapter },
    training: {
      per_device_train_batch_size: packing ? task.packedBatch : task.batch,
      per_device_eval_batch_size: 16,
      learning_rate: task.learningRate,
      num_train_epochs: task.epochs + MORE_EPOCHS,
      lr_scheduler_type: 'constant',
      warmup_ratio: 0,
      weight_decay: 0,
      max_grad_norm: 1,
      eval_steps: task.evalEvery,
      save_minutes: 0,
      load_best_model_at_end: false,
      seed: SEED,
    },
  };
}

/** The time of an evaluation is that of the step before it, by the run's own clock, which counts steps alone. */
function ourCurve(run: MeteredRun): CurvePoint[] | string {
  if (run.code !== 0) return lastWords(run);
  const elapsed = new Map(
    run.events.filter(({ body }) => body.event === 'step').map(({ body }) => [body.step, body.elapsed_ms]),
  );
  const evals = run.events.filter(({ body }) => body.event === 'eval');
  return evals.map(({ body }) => point(body.step, elapsed.get(body.step), body.eval_loss));
}

const point = (step: unknown, elapsedMs: unknown, loss: unknown): CurvePoint => ({
  step: Number(step),
  seconds: Number(elapsedMs) / 1000,
  loss: Number(loss),
});
