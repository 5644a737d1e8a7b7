/**
 * @file Model folders: what is written opens again in one file or in shards, and a bad folder has all its faults named at once.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import { encodeSafetensors, type TensorToWrite } from '../../../../src-main/engine/formats/safetensors.ts';
import { encodeFloats, type WritableFloatDType } from '../../../../src-main/engine/formats/tensor-data.ts';
import { writeModelFolder } from '../../../../src-main/engine/formats/write-model-folder.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tunesmith-model-'));
});
afterAll(() => rm(root, { recursive: true }));

type Tensor = TensorToWrite & { readonly data: Uint8Array };

function tensor(name: string, dtype: WritableFloatDType, shape: number[], first = 0): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length: count }, (_, i) => first + i);
  return { name, dtype, shape, data: encodeFloats(values, dtype) };
}

const TENSORS = [tensor('a', 'F32', [4, 2]), tensor('b', 'BF16', [3]), tensor('c', 'F16', [2, 2])];
const CONFIG = { model_type: 'llama' };
let count = 0;
const newFolder = () => path.join(root, `model-${(count += 1)}`);

/** A folder with these files. */
async function makeFolder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const dir = newFolder();
  await mkdir(dir);
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(dir, name), content);
  return dir;
}

async function openFailing(dir: string): Promise<AppError> {
  const error: unknown = await openModelFolder(dir).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

describe('a sound folder', () => {
  it.each([
    ['one file', undefined, 1],
    ['three shards', 8, 3],
  ])('of %s is written and read', async (_what, maxShardBytes, shards) => {
    const source = await makeFolder({
      'tokenizer.json': '{}',
      'generation_config.json': '{"eos_token_id": 2}',
      'config.json': '{"model_type": "other"}',
      'pytorch_model.bin': 'x',
      '.hidden.json': '{}',
      'model.safetensors.index.json': '{}',
    });
    const dir = newFolder();
    const written = await writeModelFolder(dir, { config: CONFIG, tensors: TENSORS, copyFrom: source, maxShardBytes });
    const companions = ['config.json', 'generation_config.json', 'tokenizer.json'];
    expect(written.files.filter((name) => name.endsWith('.json') && !name.includes('index'))).toEqual(companions);
    expect(written.files.filter((name) => name.endsWith('.safetensors'))).toHaveLength(shards);
    expect(await readdir(dir)).toHaveLength(written.files.length);

    const model = await openModelFolder(dir);
    expect(model.config).toEqual(CONFIG);
    expect(model.generationConfig).toEqual({ eos_token_id: 2 });
    expect(model.totalBytes).toBe(32 + 6 + 8);
    expect([...model.names()].sort()).toEqual(['a', 'b', 'c']);
    expect(model.entry('b')).toMatchObject({ dtype: 'BF16', shape: [3] });
    expect(model.has('d')).toBe(false);
    expect([...(await model.readFloat32('b'))]).toEqual([0, 1, 2]);
    expect([...(await model.readFloat32('c'))]).toEqual([0, 1, 2, 3]);
    expect([...(await model.readFloat32('a', { rows: [1, 3] }))]).toEqual([2, 3, 4, 5]);
    expect(await model.readRaw('b')).toEqual(TENSORS[1]!.data);
    await expect(model.readRaw('d')).rejects.toThrow('the model has no tensor d');
    await model.close();
  });

  it('has a fingerprint that only the weights decide', async () => {
    const fingerprintOf = async (tensors: Tensor[], config: object = CONFIG) => {
      const dir = newFolder();
      await writeModelFolder(dir, { config: { ...config }, tensors });
      const model = await openModelFolder(dir);
      return model.fingerprint().finally(() => model.close());
    };
    const own = await fingerprintOf(TENSORS);
    expect(own).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await fingerprintOf(TENSORS, { model_type: 'other' })).toBe(own);
    expect(await fingerprintOf([...TENSORS.slice(0, 2), tensor('c', 'F16', [2, 2], 1)])).not.toBe(own);
    expect(await fingerprintOf([...TENSORS.slice(0, 2), tensor('d', 'F16', [2, 2])])).not.toBe(own);
  });

  it('has tensors that are no floats, which are read only as bytes', async () => {
    const ids: Tensor = { name: 'ids', dtype: 'I64', shape: [1], data: new Uint8Array(8) };
    const dir = await makeFolder({ 'config.json': '{}', 'model.safetensors': encodeSafetensors([ids]) });
    const model = await openModelFolder(dir);
    await expect(model.readFloat32('ids')).rejects.toThrow('ids is stored as I64');
    expect(await model.readRaw('ids')).toHaveLength(8);
    await model.close();
  });
});

describe('a folder that cannot be used', () => {
  const weights = encodeSafetensors(TENSORS);

  it('is not there, or is a file', async () => {
    expect((await openFailing(path.join(root, 'none'))).message).toContain('no such folder');
    const dir = await makeFolder({ file: '' });
    expect((await openFailing(path.join(dir, 'file'))).message).toContain('is a file, not a folder');
  });

  it.each([
    ['is empty', {}, ['is missing', 'neither model.safetensors nor']],
    ['has no config.json', { 'model.safetensors': weights }, ['is missing']],
    ['has an empty config.json', { 'model.safetensors': weights, 'config.json': ' ' }, ['is empty']],
    ['has a broken config.json', { 'model.safetensors': weights, 'config.json': '{"a' }, ['is not JSON']],
    [
      'has a list as config.json',
      { 'model.safetensors': weights, 'config.json': '[]' },
      ['is JSON, but not an object'],
    ],
    [
      'has config.json in another encoding',
      { 'config.json': Uint8Array.of(0x22, 0xff, 0x22), 'model.safetensors': weights },
      ['cannot be read'],
    ],
    [
      'has only pickle files',
      { 'config.json': '{}', 'pytorch_model.bin': 'x' },
      ['a pickle file; loading one can run any code'],
    ],
    [
      'names its weights otherwise',
      { 'config.json': '{}', 'weights.safetensors': weights },
      ['weights.safetensors is there'],
    ],
    ['is an adapter', { 'adapter_config.json': '{}', 'adapter_model.safetensors': weights }, ['is missing', 'neither']],
    [
      'has a truncated weight file',
      { 'config.json': '{}', 'model.safetensors': weights.slice(0, -1) },
      ['it was cut off'],
    ],
    [
      'has two faults',
      { 'config.json': '{', 'generation_config.json': '{', 'model.safetensors': weights.slice(0, 4) },
      ['is not JSON', 'is not JSON', 'only 4 bytes long'],
    ],
  ])('%s', async (_what, files, messages) => {
    const error = await openFailing(await makeFolder(files));
    expect(error.code).toBe('model/not-a-model');
    expect(error.faults).toHaveLength(messages.length);
    messages.forEach((message, i) => expect(error.faults[i]?.message).toContain(message));
  });

  it('has an index that does not fit its files: all faults at once', async () => {
    const weight_map = { a: '1.safetensors', d: '1.safetensors', e: '2.safetensors', f: '../3.safetensors', g: 4 };
    const dir = await makeFolder({
      'config.json': '{}',
      'model.safetensors.index.json': JSON.stringify({ weight_map }),
      '1.safetensors': weights,
    });
    const { faults } = await openFailing(dir);
    const told = faults.map(({ file, field, message }) => `${path.basename(file ?? '')} ${field ?? ''}: ${message}`);
    expect(told).toEqual([
      expect.stringContaining('model.safetensors.index.json f: must name a .safetensors file beside it'),
      expect.stringContaining('model.safetensors.index.json g: must name'),
      '1.safetensors d: is in model.safetensors.index.json, but not in this file',
      '2.safetensors : is missing; it holds 1 tensor of the index',
    ]);
  });

  it('hints at what the folder may be', async () => {
    const { faults } = await openFailing(await makeFolder({ 'adapter_config.json': '{}' }));
    expect(faults[0]?.hint).toContain('this is an adapter');
  });
});

describe('a folder to write', () => {
  it('must be free, and stays as it was', async () => {
    const dir = await makeFolder({ 'notes.txt': 'mine' });
    await expect(writeModelFolder(dir, { config: CONFIG, tensors: TENSORS })).rejects.toThrow('is not empty');
    expect(await readFile(path.join(dir, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('is gone when a tensor fails half-way', async () => {
    const dir = newFolder();
    const failing = { ...TENSORS[0]!, name: 'z', data: () => Promise.reject(new Error('no data')) };
    await expect(writeModelFolder(dir, { config: CONFIG, tensors: [...TENSORS, failing] })).rejects.toThrow('no data');
    expect((await readdir(root)).filter((name) => name.includes(path.basename(dir)))).toEqual([]);
  });

  it('cannot be made inside a file', async () => {
    const dir = await makeFolder({ file: '' });
    await chmod(path.join(dir, 'file'), 0o600);
    const target = path.join(dir, 'file', 'model');
    await expect(writeModelFolder(target, { config: CONFIG, tensors: TENSORS })).rejects.toThrow(AppError);
  });
});
