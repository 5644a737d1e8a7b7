/**
 * @file Quantized matrices on the device: what a step computes with is what the bytes stand for. Largest relative difference from the
 * host's dequantization in f32 1e-6: NF4 is equal, INT8 multiplies in another order. In bf16 the same, rounded; where INT8 stands
 * between two bf16 values, its last bit may differ (2^-7). A kept copy is equal to what a step would expand.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledProgram } from '../../src-main/engine/compile/compiled-program.ts';
import { EagerProgram } from '../../src-main/engine/compile/eager-program.ts';
import type { Entry } from '../../src-main/engine/compile/program.ts';
import type { FloatDType } from '../../src-main/engine/device/dtype.ts';
import { loadTensorFlow, type TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';
import { roundToBf16 } from '../../src-main/engine/formats/float-conversion.ts';
import { type ModelFolder, openModelFolder } from '../../src-main/engine/formats/model-folder.ts';
import { writeSafetensors } from '../../src-main/engine/formats/safetensors.ts';
import { encodeFloats } from '../../src-main/engine/formats/tensor-data.ts';
import { cast } from '../../src-main/engine/ops/primitives.ts';
import { dequantizeInt8Rows, quantizeInt8Rows } from '../../src-main/engine/quant/int8.ts';
import { dequantizeNf4, quantizeNf4 } from '../../src-main/engine/quant/nf4.ts';
import { expandMatrix, type FrozenMatrix } from '../../src-main/engine/weights/frozen-matrix.ts';
import { loadWeights } from '../../src-main/engine/weights/load-weights.ts';
import { planVariables } from '../../src-main/engine/weights/plan.ts';
import { largestRelativeDifference } from '../unit/engine/quant/fixtures.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';

/** Members of each stack as [rows, columns]: whole blocks; a part of a block; less than a block; odd counts; more than 256 blocks. */
const STACKS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  whole: [[32, 64]],
  tail: [[7, 9]],
  small: [[3, 5]],
  odd: [[129, 131]],
  nested: [[300, 192]],
  stack: [
    [64, 48],
    [16, 48],
    [16, 48],
  ],
  ragged_stack: [
    [5, 33],
    [7, 33],
    [130, 33],
  ],
};
const KINDS = [
  { title: 'nf4, double quantization', kind: 'nf4', doubleQuant: true },
  { title: 'nf4', kind: 'nf4', doubleQuant: false },
  { title: 'int8', kind: 'int8', doubleQuant: false },
] as const;

let root = '';
let folder: ModelFolder;
let binding: TensorFlowBinding;
const weights = new Map<string, { shape: readonly [number, number]; values: Float32Array<ArrayBuffer> }>();

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tunesmith-device-'));
  let seed = 1;
  for (const [stack, members] of Object.entries(STACKS)) {
    for (const [index, shape] of members.entries()) {
      weights.set(`${stack}.${index}.weight`, { shape, values: randomValues(shape[0] * shape[1], (seed += 1)) });
    }
  }
  const tensors = [...weights].map(([name, { shape, values }]) => ({
    name,
    shape,
    dtype: 'F32' as const,
    data: encodeFloats(values, 'F32'),
  }));
  await writeSafetensors(path.join(root, 'model.safetensors'), tensors);
  await writeFile(path.join(root, 'config.json'), '{"model_type": "llama"}');
  folder = await openModelFolder(root);
  binding = loadTensorFlow({ bindingPath: await tensorFlowPath() });
});
afterAll(async () => {
  await folder.close();
  await rm(root, { recursive: true });
});

/** Normal-like numbers of several sizes; every 50th is zero, and there is a row of zeros. */
function randomValues(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Float32Array.from({ length: count }, (_, i) =>
    i % 50 === 0 || (i >= 70 && i < 140) ? 0 : (next() + next() + next()) * 10 ** ((i >> 8) % 4),
  );
}

function matricesOf(kind: 'nf4' | 'int8', doubleQuant: boolean, kept = false): FrozenMatrix[] {
  return Object.entries(STACKS).map(([stack, members]) => ({
    name: `${stack}.0.weight`,
    kind,
    members: members.map(([rows], index) => ({ name: `${stack}.${index}.weight`, rows })),
    columns: members[0]![1],
    doubleQuant,
    kept,
    room: 0,
  }));
}

function hostValues({ members, kind, doubleQuant }: FrozenMatrix): Float32Array<ArrayBuffer> {
  const parts = members.map(({ name }) => {
    const { shape, values } = weights.get(name)!;
    if (kind === 'int8') return dequantizeInt8Rows(quantizeInt8Rows(values, shape, { sourceDtype: 'float32' }));
    return dequantizeNf4(quantizeNf4(values, shape, { doubleQuant, sourceDtype: 'float32' }));
  });
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

async function expandAll(matrices: readonly FrozenMatrix[], compute: FloatDType, mode: 'eager' | 'compiled') {
  const entry: Entry = {
    name: 'expand',
    inputs: {},
    run: (runner) =>
      Object.fromEntries(
        matrices.map((matrix) => [matrix.name, cast(expandMatrix(runner, matrix, compute, null), 'float32')]),
      ),
  };
  const plan = {
    matrices,
    tables: [],
    tableUpdates: new Map(),
    paddingRows: new Map(),
    vectors: [],
    compute,
    bytes: 0,
    keptBytes: 0,
  };
  const options = { entries: [entry], groups: { frozen: planVariables(plan) } };
  const program = mode === 'eager' ? new EagerProgram(binding, options) : new CompiledProgram(binding, options);
  try {
    program.setVariables('frozen', await loadWeights({ device: binding, folder, plan, replaced: new Map() }));
    return program.call('expand', {}, {});
  } finally {
    program.dispose();
  }
}

describe.each(KINDS)('$title', ({ kind, doubleQuant }) => {
  it.each(['eager', 'compiled'] as const)('%s: f32 values equal the host’s', async (mode) => {
    const matrices = matricesOf(kind, doubleQuant);
    const expanded = await expandAll(matrices, 'float32', mode);
    for (const matrix of matrices) {
      const device = expanded[matrix.name] as Float32Array;
      expect(largestRelativeDifference(device, hostValues(matrix)), matrix.name).toBeLessThanOrEqual(1e-6);
    }
  });

  it('bf16 values are the host’s, rounded', async () => {
    const matrices = matricesOf(kind, doubleQuant);
    const expanded = await expandAll(matrices, 'bfloat16', 'compiled');
    for (const matrix of matrices) {
      const wanted = hostValues(matrix);
      roundToBf16(wanted);
      const difference = largestRelativeDifference(expanded[matrix.name] as Float32Array, wanted);
      expect(difference, matrix.name).toBeLessThanOrEqual(kind === 'int8' ? 2 ** -7 : 0);
    }
  });

  it.each(['eager', 'compiled'] as const)('%s: a kept copy is what a step expands', async (mode) => {
    const expanded = await expandAll(matricesOf(kind, doubleQuant), 'bfloat16', mode);
    expect(await expandAll(matricesOf(kind, doubleQuant, true), 'bfloat16', mode)).toEqual(expanded);
  });
});
