/**
 * @file The contestants: how each is started on a prepared workload, and whose loss trace its own must equal to count.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import type { BatchShape } from './workloads.ts';

/** Everything an arm starts from; all arms get the same. */
export interface Prepared {
  /** For files of single runs. */
  readonly folder: string;
  readonly model: string;
  readonly adapter: string;
  readonly rows: string;
  readonly shape: BatchShape;
  readonly steps: number;
  readonly python: string;
}

export interface Gate {
  readonly against: string;
  /** Absolute, per step. f32: another order of adding. bf16: rounded at other places. */
  readonly lossTolerance: number;
}

export interface Arm {
  readonly name: string;
  /** Decides which roofline it is held against. */
  readonly products: 'f32' | 'bf16';
  /** null: a reference of its own. */
  readonly gate: Gate | null;
  /** Writes what one run needs and gives its command. */
  readonly command: (prepared: Prepared) => string[];
}

const LEARNING_RATE = 1e-3;
const MAX_GRAD_NORM = 1;

export const REFERENCE_F32 = 'PyTorch f32';
export const REFERENCE_BF16 = 'PyTorch bf16';
const REFERENCE_NF4 = 'PyTorch + bitsandbytes NF4';
const BF16_GATE: Gate = { against: REFERENCE_BF16, lossTolerance: 2e-2 };

/** The order is the order within a round. */
export const ARMS: readonly Arm[] = [
  torchArm(REFERENCE_F32, 'f32', null),
  ourArm('Tunesmith f32', 'none', { against: REFERENCE_F32, lossTolerance: 1e-4 }),
  torchArm(REFERENCE_BF16, 'bf16', { against: REFERENCE_F32, lossTolerance: 5e-2 }),
  ourArm('Tunesmith bf16', 'bf16', BF16_GATE),
  torchArm('PyTorch bf16, adapter bf16', 'bf16-pure', { against: REFERENCE_F32, lossTolerance: 5e-2 }),
  torchArm('PyTorch bf16, torch.compile', 'bf16', BF16_GATE, true),
  torchArm(REFERENCE_NF4, 'nf4', null),
  ourArm('Tunesmith NF4', 'nf4', { against: REFERENCE_NF4, lossTolerance: 2e-2 }),
];

function torchArm(name: string, dtype: 'f32' | 'bf16' | 'bf16-pure' | 'nf4', gate: Gate | null, compile = false): Arm {
  return {
    name,
    products: dtype === 'f32' ? 'f32' : 'bf16',
    gate,
    command: ({ folder, model, adapter, rows, shape, steps, python }) => {
      const spec = path.join(folder, 'torch.json');
      const training = { learning_rate: LEARNING_RATE, max_grad_norm: MAX_GRAD_NORM };
      writeFileSync(
        spec,
        JSON.stringify({ model, adapter, rows, steps, batch: shape.batch, dtype, compile, ...training }),
      );
      return [python, '-B', path.join(REPO_ROOT, 'test/bench/python/train.py'), spec];
    },
  };
}

function ourArm(name: string, quantization: 'none' | 'bf16' | 'int8' | 'nf4', gate: Gate): Arm {
  return {
    name,
    products: quantization === 'none' ? 'f32' : 'bf16',
    gate,
    command: (prepared) => {
      const { folder, model, rows } = prepared;
      const config = path.join(folder, 'ours.json');
      const output = path.join(folder, 'run');
      rmSync(output, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(config, JSON.stringify(ourConfig(prepared, quantization)));
      const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
      const files = ['--model', model, '--data', rows, '--output', output, '--config', config];
      return [process.execPath, script, 'train', ...files, '--json'];
    },
  };
}

function ourConfig({ model, adapter, rows, shape, steps }: Prepared, quantization: string): object {
  return {
    model: { path: model },
    data: {
      train: [rows],
      eval: null,
      eval_fraction: 0,
      format: 'tokens',
      max_length: shape.seq,
      packing: false,
      shuffle: false,
      completion_only_loss: false,
    },
    quantization: { method: quantization, double_quant: true },
    peft: { peft_type: 'LORA', adapter_path: adapter },
    training: {
      per_device_train_batch_size: shape.batch,
      gradient_accumulation_steps: 1,
      learning_rate: LEARNING_RATE,
      max_steps: steps,
      lr_scheduler_type: 'constant',
      warmup_steps: 0,
      warmup_ratio: 0,
      optim: 'adamw',
      weight_decay: 0,
      max_grad_norm: MAX_GRAD_NORM,
      logging_steps: 1,
      save_steps: 0,
      save_minutes: 0,
    },
  };
}
