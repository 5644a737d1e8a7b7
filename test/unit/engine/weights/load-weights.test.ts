/**
 * @file Weights on the device are those of the files, whatever the files' precision; what fails leaves nothing behind.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { openModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import { writeSafetensors } from '../../../../src-main/engine/formats/safetensors.ts';
import { encodeFloats, type WritableFloatDType } from '../../../../src-main/engine/formats/tensor-data.ts';
import { loadWeights, type LoadWeightsOptions } from '../../../../src-main/engine/weights/load-weights.ts';
import { planVariables, planWeights } from '../../../../src-main/engine/weights/plan.ts';
import { failureOf, makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openDevice } from '../support/open-device.ts';

let device: Device;
beforeAll(async () => (device = await openDevice()));

const place = await makeTestFolder();
const PLAIN = { storage: 'float32', doubleQuant: false, compute: 'float32', trained: new Set<string>() } as const;

async function load(
  dtype: WritableFloatDType,
  more: Partial<LoadWeightsOptions> = {},
): Promise<{ opened: Awaited<ReturnType<typeof writeRandomModel>>; values: Map<string, Float32Array> }> {
  const opened = await writeRandomModel(place(`${dtype} ${Math.random()}`), {}, dtype);
  const plan = planWeights(opened.model, PLAIN);
  const loaded = await loadWeights({ device, folder: opened.folder, plan, replaced: new Map(), ...more });
  expect([...loaded.keys()].sort()).toEqual(
    planVariables(plan)
      .map(({ name }) => name)
      .sort(),
  );
  const values = new Map(
    [...loaded].map(([name, id]) => [name, new Float32Array(device.tensorDataSync(id) as Float32Array)]),
  );
  for (const id of loaded.values()) device.deleteTensor(id);
  return { opened, values };
}

it.each(['F32', 'F16', 'BF16'] as const)('%s: each matrix of a stack, the table and the norms', async (dtype) => {
  const before = device.getNumOfTensors();
  const fractions: number[] = [];
  const { opened, values } = await load(dtype, { onProgress: (fraction) => fractions.push(fraction) });
  const { matrices, tables, vectors } = planWeights(opened.model, PLAIN);
  for (const { name, members } of matrices) {
    const wanted = await Promise.all(members.map((member) => opened.folder.readFloat32(member.name)));
    expect(values.get(name), name).toEqual(Float32Array.from(wanted.flatMap((part) => [...part])));
  }
  for (const { name } of [...tables, ...vectors]) {
    expect(values.get(name), name).toEqual(await opened.folder.readFloat32(name));
  }
  expect(fractions.at(-1)).toBe(1);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(device.getNumOfTensors()).toBe(before);
});

it('a tensor that is not as in the file', async () => {
  const other = new Float32Array(16 * 16).fill(0.25);
  const name = 'model.layers.1.self_attn.q_proj.weight';
  const { opened, values } = await load('F32', { replaced: new Map([[name, async () => other]]) });
  const stack = values.get(name)!;
  expect(stack.subarray(0, other.length)).toEqual(other);
  expect(stack.subarray(other.length, other.length + 128)).toEqual(
    await opened.folder.readFloat32('model.layers.1.self_attn.k_proj.weight'),
  );
});

it('frees what was loaded where a tensor is missing, or somebody stops it', async () => {
  const { dir, model } = await writeRandomModel(place('whole'));
  const kept = model.weights.filter(({ name }) => name !== 'model.layers.1.mlp.down_proj.weight');
  const tensors = kept.map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, shape, dtype: 'F32' as const, data: encodeFloats(new Float32Array(size), 'F32') };
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
  await writeFile(path.join(dir, 'tokenizer_config.json'), '{}');
  const folder = await openModelFolder(dir);
  const plan = planWeights(model, PLAIN);
  const before = device.getNumOfTensors();
  const options = { device, folder, plan, replaced: new Map() };
  expect((await failureOf(loadWeights(options))).message).toContain('model.layers.1.mlp.down_proj.weight');
  const stop = new AbortController();
  const onProgress = (fraction: number): void => void (fraction > 0.2 && stop.abort());
  await expect(loadWeights({ ...options, signal: stop.signal, onProgress })).rejects.toThrow();
  expect(device.getNumOfTensors()).toBe(before);
  await folder.close();
});
