/**
 * @file The contestants: how each is started on a prepared workload, and whose loss trace its own must equal to count.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { ownCommand } from '../own-command.ts';
import { LEARNING_RATE, MAX_GRAD_NORM, type Storage } from '../own-config.ts';
import type { BatchShape } from '../workloads.ts';

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
  /** PyTorch's name for where it computes. */
  readonly device: 'cpu' | 'cuda';
}

export interface Gate {
  readonly against: string;
  /** Absolute, per step. f32: another order of adding. bf16: rounded at other places. */
  readonly lossTolerance: number;
}

export type ArmGroup = 'core' | 'extra' | 'wasm';

export interface Arm {
  readonly name: string;
  /** Decides which roofline it is held against. */
  readonly products: 'f32' | 'bf16';
  /** null: a reference of its own. */
  readonly gate: Gate | null;
  /** Other than `core`: in the first round only, and only where a workload asks for it. */
  readonly group: ArmGroup;
  /** Fewer steps than the plan's, because each is slow. */
  readonly mostSteps: number;
  readonly env: Readonly<Record<string, string>>;
  /** Writes what one run needs and gives its command. */
  readonly command: (prepared: Prepared) => string[];
}

export const REFERENCE_F32 = 'PyTorch f32';
export const REFERENCE_BF16 = 'PyTorch bf16';
export const REFERENCE_NF4 = 'PyTorch + bitsandbytes NF4';
export const REFERENCE_INT8 = 'PyTorch + bitsandbytes INT8';
export const OWN_F32 = 'Tunesmith f32';
export const OWN_BF16 = 'Tunesmith bf16';
export const OWN_NF4 = 'Tunesmith NF4';

/** bitsandbytes rounds activations to INT8 too, which we do not: a weaker gate. */
const INT8_TOLERANCE = 0.1;
const BF16_GATE: Gate = { against: REFERENCE_BF16, lossTolerance: 2e-2 };
const MIXED_GATE: Gate = { against: REFERENCE_F32, lossTolerance: 5e-2 };
const EAGER: Extras = { group: 'extra', mostSteps: 5, env: { TUNESMITH_EXECUTION: 'eager' } };
const WASM: Extras = { group: 'wasm', mostSteps: 5, env: { TUNESMITH_ENGINE: 'wasm' } };
const ONCE: Extras = { group: 'extra' };
/** Compiles in its own process: a pool of helpers would count as its memory. */
const COMPILED: Extras = { group: 'extra', env: { TORCHINDUCTOR_COMPILE_THREADS: '1' } };
const NO_COPIES: Extras = { group: 'extra', env: { TUNESMITH_WEIGHT_CACHE_MB: '0' } };

/** The order is the order within a round. */
export const ARMS: readonly Arm[] = [
  torchArm(REFERENCE_F32, 'f32', null),
  ourArm(OWN_F32, 'none', { against: REFERENCE_F32, lossTolerance: 1e-4 }),
  torchArm(REFERENCE_BF16, 'bf16', MIXED_GATE),
  ourArm(OWN_BF16, 'bf16', BF16_GATE),
  torchArm(REFERENCE_NF4, 'nf4', null),
  ourArm(OWN_NF4, 'nf4', { against: REFERENCE_NF4, lossTolerance: 2e-2 }),
  ourArm('Tunesmith NF4, no copies kept', 'nf4', { against: REFERENCE_NF4, lossTolerance: 2e-2 }, NO_COPIES),
  torchArm(REFERENCE_INT8, 'int8', { against: REFERENCE_BF16, lossTolerance: INT8_TOLERANCE }, ONCE),
  ourArm('Tunesmith INT8', 'int8', { against: REFERENCE_BF16, lossTolerance: INT8_TOLERANCE }, ONCE),
  torchArm('PyTorch bf16, adapter bf16', 'bf16-pure', MIXED_GATE, ONCE),
  torchArm('PyTorch bf16, torch.compile', 'bf16', BF16_GATE, COMPILED, true),
  ourArm('Tunesmith f32, eager', 'none', { against: REFERENCE_F32, lossTolerance: 1e-4 }, EAGER),
  ourArm('Tunesmith bf16, eager', 'bf16', BF16_GATE, EAGER),
  ourArm('Tunesmith f32, wasm', 'none', { against: REFERENCE_F32, lossTolerance: 1e-3 }, WASM),
];

type Extras = Partial<Pick<Arm, 'group' | 'mostSteps' | 'env'>>;

function makeArm(
  name: string,
  isF32: boolean,
  gate: Gate | null,
  { group = 'core', mostSteps = Infinity, env = {} }: Extras,
  command: Arm['command'],
): Arm {
  return {
    name,
    products: isF32 ? 'f32' : 'bf16',
    gate,
    group,
    mostSteps,
    env,
    command: (prepared) => command({ ...prepared, steps: Math.min(prepared.steps, mostSteps) }),
  };
}

function torchArm(
  name: string,
  dtype: 'f32' | 'bf16' | 'bf16-pure' | 'int8' | 'nf4',
  gate: Gate | null,
  extras: Extras = {},
  compile = false,
): Arm {
  return makeArm(name, dtype === 'f32', gate, extras, ({ folder, python, ...prepared }) => {
    const { model, adapter, rows, shape, steps, device } = prepared;
    const spec = path.join(folder, 'torch.json');
    const training = { learning_rate: LEARNING_RATE, max_grad_norm: MAX_GRAD_NORM };
    const work = { model, adapter, rows, steps, batch: shape.batch };
    writeFileSync(spec, JSON.stringify({ ...work, dtype, compile, device, ...training }));
    return [python, '-B', path.join(REPO_ROOT, 'test/bench/python/train.py'), spec];
  });
}

function ourArm(name: string, storage: Storage, gate: Gate, extras: Extras = {}): Arm {
  return makeArm(name, storage === 'none', gate, extras, (prepared) =>
    ownCommand(prepared.folder, { ...prepared, storage }),
  );
}
