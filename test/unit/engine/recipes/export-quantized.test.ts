/**
 * @file Exporting in the bitsandbytes layout, against quantization applied directly: W, W + update, and the method document's
 * quantize(W_dequantized + update).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  encodeQuantizedMatrix,
  listWeightNames,
  type QuantizedMatrix,
  readQuantizedMatrix,
} from '../../../../src-main/engine/formats/bitsandbytes.ts';
import { openModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import { makeBaseReader } from '../../../../src-main/engine/peft/base-weights.ts';
import { makeMergedWeights, mergePart } from '../../../../src-main/engine/peft/merged-weights.ts';
import { openAdapter } from '../../../../src-main/engine/peft/open-adapter.ts';
import { dequantizeInt8Rows, quantizeInt8Rows } from '../../../../src-main/engine/quant/int8.ts';
import { dequantizeNf4, quantizeNf4 } from '../../../../src-main/engine/quant/nf4.ts';
import type { EngineHost, ExportOptions } from '../../../../src-main/engine/recipes/contract.ts';
import { exportModel } from '../../../../src-main/engine/recipes/export-model.ts';
import { Interrupted } from '../../../../src-shared/domain/app-error.ts';
import type { PeftConfig } from '../../../../src-shared/schema/run-config.ts';
import { attach, failureOf, makeTestFolder, trainedOf, writeFiles, writeRandomModel } from '../peft/random-model.ts';

const place = await makeTestFolder();
const plain = await writeRandomModel(place('plain'), { attention_bias: true, dtype: 'float32' });
const host: EngineHost = {
  bindingPath: null,
  now: () => performance.now(),
  signal: new AbortController().signal,
  report: () => undefined,
};
const NF4 = { method: 'nf4', double_quant: true } as const;
const INT8 = { method: 'int8', double_quant: true } as const;
const MATRIX = /layers\.\d\.(self_attn|mlp)\.\w+\.weight$/;
let count = 0;

async function writeAdapter(peft: Partial<PeftConfig>): Promise<string> {
  const setup = await attach(plain, peft);
  return writeFiles(await setup.files(await trainedOf(setup)), place(`adapter-${(count += 1)}`));
}

async function exported(options: Partial<ExportOptions>): Promise<string> {
  const outputDir = place(`out-${(count += 1)}`);
  const common = { host, modelDir: plain.dir, adapterDir: null, format: 'bitsandbytes' as const, outputDir };
  return (await exportModel({ ...common, quantization: NF4, ...options })).dir;
}

type Kind = 'nf4' | 'nf4 plain' | 'int8';

function quantize(values: Float32Array, shape: readonly number[], kind: Kind): QuantizedMatrix {
  const about = { sourceDtype: 'float32' as const };
  if (kind === 'int8') return quantizeInt8Rows(values, shape as [number, number], about);
  return quantizeNf4(values, shape, { doubleQuant: kind === 'nf4', ...about });
}

const expand = (matrix: QuantizedMatrix) =>
  matrix.kind === 'nf4' ? dequantizeNf4(matrix) : dequantizeInt8Rows(matrix);

/** Checks every tensor of a folder; `base` is W of a matrix before the update. */
async function expectFolder(
  dir: string,
  kind: Kind,
  adapterDir: string | null,
  base: (values: Float32Array<ArrayBuffer>, shape: readonly number[]) => Float32Array<ArrayBuffer> = (values) => values,
) {
  const adapter = adapterDir && (await openAdapter(plain.model, plain.folder, adapterDir));
  const merged = adapter && (await makeMergedWeights(adapter, makeBaseReader(plain.model, plain.folder)));
  const folder = await openModelFolder(dir);
  expect(listWeightNames(folder).sort()).toEqual([...plain.folder.names()].sort());
  for (const name of listWeightNames(folder)) {
    const { shape } = plain.folder.entry(name);
    const change = merged ? merged.get(name) : undefined;
    const original = await plain.folder.readFloat32(name);
    const values = change?.kind === 'updated' && MATRIX.test(name) ? base(original, shape) : original.slice();
    if (change) mergePart(change, values, 0);
    if (!MATRIX.test(name)) expect(await folder.readFloat32(name), name).toEqual(values);
    else {
      const wanted = encodeQuantizedMatrix(name, quantize(values, shape, kind));
      for (const part of wanted) expect(await folder.readRaw(part.name), part.name).toEqual(new Uint8Array(part.data));
    }
  }
  await folder.close();
}

describe('a model alone', () => {
  it.each([
    ['nf4', NF4],
    ['nf4 plain', { ...NF4, double_quant: false }],
    ['int8', INT8],
  ] as const)('as %s', async (kind, quantization) => {
    const dir = await exported({ quantization });
    await expectFolder(dir, kind, null);
    const config = JSON.parse(await readFile(path.join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['quantization_config']).toMatchObject({
      quant_method: 'bitsandbytes',
      load_in_8bit: kind === 'int8',
      bnb_4bit_use_double_quant: kind === 'nf4',
    });
    expect(existsSync(path.join(dir, 'tokenizer_config.json'))).toBe(true);
  });

  it('that is stored so already keeps its bytes', async () => {
    const dir = await exported({});
    await expectFolder(await exported({ modelDir: dir }), 'nf4', null);
  });
});

describe('with an adapter', () => {
  const expandedAs = (kind: Kind) => (values: Float32Array<ArrayBuffer>, shape: readonly number[]) =>
    expand(quantize(values, shape, kind));

  it('is quantize(W_dequantized + update)', async () => {
    const adapterDir = await writeAdapter({ peft_type: 'QLORA', r: 4, lora_alpha: 12 });
    await expectFolder(await exported({ adapterDir }), 'nf4', adapterDir, expandedAs('nf4'));
  });

  it('is quantize(W + update) where it was trained over plain weights', async () => {
    const adapterDir = await writeAdapter({ use_dora: true });
    const trainedOn = { method: 'bf16', double_quant: true } as const;
    await expectFolder(await exported({ adapterDir, trainedOn, quantization: INT8 }), 'int8', adapterDir);
  });

  it('takes the weights as the training had them', async () => {
    const adapterDir = await writeAdapter({ target_modules: ['q_proj', 'lm_head'], modules_to_save: ['norm'] });
    const dir = await exported({ adapterDir, trainedOn: INT8 });
    await expectFolder(dir, 'nf4', adapterDir, expandedAs('int8'));
  });

  it('goes on from a stored quantized model', async () => {
    const modelDir = await exported({ quantization: INT8 });
    const adapterDir = await writeAdapter({});
    await expectFolder(await exported({ modelDir, adapterDir }), 'nf4', adapterDir, expandedAs('int8'));
  });
});

it('leaves nothing behind when it is stopped', async () => {
  const outputDir = place('stopped');
  const stopping = { host: { ...host, signal: AbortSignal.abort() }, outputDir };
  await expect(exported(stopping)).rejects.toThrow(Interrupted);
  expect(existsSync(outputDir)).toBe(false);
});

it('wants to know the bits', async () => {
  const error = await failureOf(exported({ quantization: { method: 'bf16', double_quant: true } }));
  expect(error.code).toBe('export/no-quantization');
});

it('is refused for a family of which transformers reads no such files', async () => {
  const sizes = { vocab_size: 20, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 };
  const { dir } = await writeRandomModel(place('falcon'), { model_type: 'falcon', ...sizes });
  const outputDir = place('falcon-out');
  const error = await failureOf(exported({ modelDir: dir, outputDir }));
  expect(error).toMatchObject({ code: 'export/not-readable', faults: [{ file: dir }] });
  expect(existsSync(outputDir)).toBe(false);
});

it('reads back what it wrote', async () => {
  const folder = await openModelFolder(await exported({}));
  const matrix = await readQuantizedMatrix(folder, 'model.layers.0.mlp.up_proj.weight');
  expect(matrix).toMatchObject({ kind: 'nf4', shape: [24, 16], dtype: 'float32' });
  await folder.close();
});
