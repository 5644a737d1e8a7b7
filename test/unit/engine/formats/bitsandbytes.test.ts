/**
 * @file bitsandbytes folders as transformers saves them: read, and written from the unquantized model with the same bytes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeQuantizedMatrix,
  listWeightNames,
  makeQuantizationConfig,
  readQuantizedMatrix,
  readStoredQuantization,
  storedKindOf,
  type QuantizedMatrix,
} from '../../../../src-main/engine/formats/bitsandbytes.ts';
import { openModelFolder, type ModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import type { TensorToWrite } from '../../../../src-main/engine/formats/safetensors.ts';
import { writeModelFolder } from '../../../../src-main/engine/formats/write-model-folder.ts';
import { quantizeInt8Rows } from '../../../../src-main/engine/quant/int8.ts';
import { quantizeNf4 } from '../../../../src-main/engine/quant/nf4.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../golden/fixtures/quantized-models');
const KINDS = ['nf4', 'nf4-plain', 'int8'] as const;

let root: string;
let base: ModelFolder;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tunesmith-bnb-'));
  base = await openModelFolder(path.join(FIXTURES, 'base'));
});
afterAll(async () => {
  await base.close();
  await rm(root, { recursive: true });
});

async function quantize(name: string, kind: (typeof KINDS)[number]): Promise<QuantizedMatrix> {
  const values = await base.readFloat32(name);
  const shape = base.entry(name).shape as [number, number];
  if (kind === 'int8') return quantizeInt8Rows(values, shape, { sourceDtype: 'bfloat16' });
  return quantizeNf4(values, shape, { doubleQuant: kind === 'nf4', sourceDtype: 'bfloat16' });
}

/** All tensors of a folder as text. */
async function readAll(folder: ModelFolder): Promise<Map<string, string>> {
  const tensors = new Map<string, string>();
  for (const name of [...folder.names()].sort()) {
    const { dtype, shape } = folder.entry(name);
    tensors.set(name, `${dtype} [${shape.join()}] ${Buffer.from(await folder.readRaw(name)).toString('hex')}`);
  }
  return tensors;
}

describe.each(KINDS)('transformers’ %s model', (kind) => {
  let theirs: ModelFolder;
  beforeAll(async () => {
    theirs = await openModelFolder(path.join(FIXTURES, kind));
  });
  afterAll(() => theirs.close());

  it('has its settings read, and written alike', () => {
    const stored = readStoredQuantization(theirs.config, theirs.configPath);
    expect(stored).toEqual({ kind: kind === 'int8' ? 'int8' : 'nf4', doubleQuant: kind === 'nf4' });
    // transformers' default for the compute dtype of a 4-bit model is float32.
    const computeDtype = kind === 'nf4' ? 'bfloat16' : 'float32';
    expect(makeQuantizationConfig(stored!, computeDtype)).toEqual(theirs.config['quantization_config']);
  });

  it('has its matrices read as we would make them', async () => {
    expect(listWeightNames(theirs).sort()).toEqual([...base.names()].sort());
    const quantized = listWeightNames(theirs).filter((name) => storedKindOf(theirs, name) !== null);
    expect(quantized).toHaveLength(7);
    for (const name of quantized) {
      expect(await readQuantizedMatrix(theirs, name, 'bfloat16')).toEqual(await quantize(name, kind));
    }
  });

  it('is written with the same bytes, and read back', async () => {
    const tensors: TensorToWrite[] = [];
    for (const name of base.names()) {
      if (storedKindOf(theirs, name) !== null) tensors.push(...encodeQuantizedMatrix(name, await quantize(name, kind)));
      else tensors.push({ name, ...base.entry(name), data: () => base.readRaw(name) });
    }
    const dir = path.join(root, kind);
    await writeModelFolder(dir, { config: theirs.config, tensors });
    const ours = await openModelFolder(dir);
    expect(await readAll(ours)).toEqual(await readAll(theirs));
    await ours.close();
  });
});

describe('the state of a 4-bit weight', () => {
  it.each([
    [0, '0.0'],
    [1, '1.0'],
    [-0.5, '-0.5'],
    [1e-4, '0.0001'],
    [2 ** -14, '6.103515625e-05'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [2 ** 40, '1099511627776.0'],
    [1e-30, '1e-30'],
  ])('has the offset %d as Python writes it', (offset, text) => {
    const matrix = quantizeNf4(new Float32Array(64), [1, 64], { doubleQuant: true, sourceDtype: 'float32' });
    const nested = { ...matrix, absmax: { ...(matrix.absmax as object), offset } } as QuantizedMatrix;
    const state = encodeQuantizedMatrix('w.weight', nested).find(({ name }) => name.includes('quant_state'))!;
    expect(new TextDecoder().decode(state.data)).toBe(
      '{"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [1, 64], ' +
        `"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": ${text}}`,
    );
  });
});

describe('a folder that cannot be read', () => {
  async function openWith(tensors: TensorToWrite[]): Promise<ModelFolder> {
    const dir = path.join(root, `bad-${Math.random()}`);
    await writeModelFolder(dir, { config: {}, tensors });
    return openModelFolder(dir);
  }

  it.each([
    [{ quant_method: 'gptq', bits: 4 }, 'quantized by "gptq"'],
    [{ quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'fp4' }, 'bitsandbytes "fp4"'],
    ['yes', 'quantized by null'],
  ])('is quantized otherwise: %o', (settings, message) => {
    expect(() => readStoredQuantization({ quantization_config: settings }, 'config.json')).toThrow(message);
  });

  it('is not taken for quantized without settings', () => {
    expect(readStoredQuantization({}, 'config.json')).toBeNull();
    expect(readStoredQuantization({ quantization_config: { load_in_8bit: true } }, 'config.json')?.kind).toBe('int8');
  });

  it('lacks or has wrong parts of a 4-bit weight', async () => {
    const parts = encodeQuantizedMatrix('w.weight', await quantize('model.layers.0.self_attn.q_proj.weight', 'nf4'));
    const damaged = parts
      .filter(({ name }) => !name.endsWith('.quant_map'))
      .map((part) =>
        part.name === 'w.weight.absmax' ? { ...part, shape: [2], data: part.data.subarray(0, 2) } : part,
      );
    const folder = await openWith(damaged);
    const error = await readQuantizedMatrix(folder, 'w.weight').catch((reason: unknown) => reason);
    await folder.close();
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).faults.map(({ field, message }) => `${field} ${message}`)).toEqual([
      'w.weight.quant_map is missing',
      'w.weight.absmax must have 4 bytes, got 2',
    ]);
  });

  it('has a state that is damaged', async () => {
    const parts = encodeQuantizedMatrix('w.weight', await quantize('model.layers.0.self_attn.q_proj.weight', 'nf4'));
    const text = new TextEncoder().encode('{"quant_type": "nf4", "blocksize": 0}');
    const damaged = parts.map((part) =>
      part.name.includes('quant_state') ? { ...part, shape: [text.length], data: text } : part,
    );
    const folder = await openWith(damaged);
    await expect(readQuantizedMatrix(folder, 'w.weight')).rejects.toThrow('bitsandbytes__nf4 has blocksize 0');
    await folder.close();
  });

  it('has rows and scales of an 8-bit weight that do not fit, or another order', async () => {
    const int8 = encodeQuantizedMatrix('w.weight', await quantize('model.layers.0.self_attn.q_proj.weight', 'int8'));
    const [weight, scb, format] = int8 as [TensorToWrite, TensorToWrite, TensorToWrite];
    const short = await openWith([weight, { ...scb, shape: [1], data: new Uint8Array(4) }, format]);
    await expect(readQuantizedMatrix(short, 'w.weight')).rejects.toThrow('w.SCB must be F32 [16], got F32 [1]');
    await short.close();
    const rearranged = await openWith([weight, scb, { ...format, data: Uint8Array.of(2) }]);
    await expect(readQuantizedMatrix(rearranged, 'w.weight')).rejects.toThrow('w.weight_format says');
    await rearranged.close();
  });
});
