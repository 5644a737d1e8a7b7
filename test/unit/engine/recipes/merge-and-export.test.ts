/**
 * @file Merging and exporting adapters, against the formula computed directly in double precision.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { roundToBf16, roundToF16 } from '../../../../src-main/engine/formats/float-conversion.ts';
import { openModelFolder } from '../../../../src-main/engine/formats/model-folder.ts';
import { foldScalingVectors, readPeftAdapter } from '../../../../src-main/engine/formats/peft-adapter.ts';
import { makePeftConfig, rankOf, scaleOf } from '../../../../src-main/engine/formats/peft-config.ts';
import { mergePart } from '../../../../src-main/engine/peft/merged-weights.ts';
import type { EngineHost, MergeOptions } from '../../../../src-main/engine/recipes/contract.ts';
import { exportModel } from '../../../../src-main/engine/recipes/export-model.ts';
import { mergeAdapter } from '../../../../src-main/engine/recipes/merge.ts';
import { Interrupted } from '../../../../src-shared/domain/app-error.ts';
import type { RunEvent } from '../../../../src-shared/domain/run-events.ts';
import type { PeftConfig } from '../../../../src-shared/schema/run-config.ts';
import {
  attach,
  failureOf,
  makeTestFolder,
  trainedOf,
  writeFiles,
  writeRandomModel,
  type OpenedModel,
  type Values,
} from '../peft/random-model.ts';

const place = await makeTestFolder();
const plain = await writeRandomModel(place('plain'), { attention_bias: true });
const tied = await writeRandomModel(place('tied'), { tie_word_embeddings: true, dtype: 'bfloat16' }, 'BF16');
let count = 0;
const fresh = () => place(`out-${(count += 1)}`);

const events: RunEvent[] = [];
const host: EngineHost = {
  bindingPath: null,
  now: () => performance.now(),
  signal: new AbortController().signal,
  report: (event) => events.push(event),
};

interface Saved {
  readonly opened: OpenedModel;
  readonly config: PeftConfig;
  readonly values: Values;
  readonly adapterDir: string;
}

async function save(peft: Partial<PeftConfig>, opened = plain): Promise<Saved> {
  const setup = await attach(opened, peft);
  const values = await trainedOf(setup);
  return { opened, config: setup.config, values, adapterDir: await writeFiles(await setup.files(values), fresh()) };
}

function merge({ opened, adapterDir }: Saved, dtype: MergeOptions['dtype'] = null, outputDir = fresh()) {
  return mergeAdapter({ host, modelDir: opened.dir, adapterDir, outputDir, dtype });
}

/** What the formula says that a tensor becomes. */
async function expectedOf(saved: Saved, name: string): Promise<Float32Array> {
  const { opened, config, values } = saved;
  const own = values.get(name);
  if (own) return own;
  const weight = await opened.folder.readFloat32(name);
  const module = name.replace(/\.weight$/, '');
  const a = values.get(`${module}.lora_A.weight`);
  const b = values.get(`${module}.lora_B.weight`);
  if (values.has(`${module}.lora_embedding_A`)) return expectedTable(saved, module, weight);
  if (!a || !b) return weight;
  const rank = rankOf(config, module);
  const columns = a.length / rank;
  const s = values.get(`${module}.scaling_vector`);
  const updated = Float64Array.from(weight, (value, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < rank; k += 1) sum += b[i * rank + k]! * a[k * columns + j]!;
    return value + (s ? s[i]! : 1) * scaleOf(config, module) * sum;
  });
  const m = values.get(`${module}.lora_magnitude_vector`);
  if (!m) return Float32Array.from(updated);
  const norms = Array.from(m, (_, i) => Math.hypot(...updated.subarray(i * columns, (i + 1) * columns)));
  return Float32Array.from(updated, (value, at) => {
    const i = Math.floor(at / columns);
    return (value * m[i]!) / norms[i]!;
  });
}

/** E + scale (B A)^T, with DoRA each column of the length that its magnitude says. */
function expectedTable({ config, values }: Saved, module: string, table: Float32Array): Float32Array {
  const a = values.get(`${module}.lora_embedding_A`)!;
  const b = values.get(`${module}.lora_embedding_B`)!;
  const rank = rankOf(config, module);
  const [rows, width] = [a.length / rank, b.length / rank];
  const updated = Float64Array.from(table, (value, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    let sum = 0;
    for (let k = 0; k < rank; k += 1) sum += b[column * rank + k]! * a[k * rows + row]!;
    return value + scaleOf(config, module) * sum;
  });
  const m = values.get(`${module}.lora_magnitude_vector`);
  if (!m) return Float32Array.from(updated);
  const norms = Array.from(m, (_, column) => Math.hypot(...updated.filter((_value, at) => at % width === column)));
  return Float32Array.from(updated, (value, at) => (value * m[at % width]!) / norms[at % width]!);
}

async function readMerged(dir: string): Promise<Map<string, { dtype: string; values: Float32Array }>> {
  const folder = await openModelFolder(dir);
  const tensors = new Map<string, { dtype: string; values: Float32Array }>();
  for (const name of folder.names()) {
    tensors.set(name, { dtype: folder.entry(name).dtype, values: await folder.readFloat32(name) });
  }
  await folder.close();
  return tensors;
}

describe('the update of the method document', () => {
  // W [4, 3], rank 2: W + diag(s) (A B^T) with A [4, 2], B [3, 2]; our lora_B is its A, our lora_A its B transposed, alpha = r.
  const A = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
  const B = [1, 2, 3, 4, 5, 6];
  const s = [1, 2, -0.5, 0];
  const loraA = Float32Array.from([1, 3, 5, 2, 4, 6]);
  const W = Float32Array.from({ length: 12 }, (_, i) => i + 1);
  const expected = Array.from(W, (value, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    return value + s[i]! * (A[2 * i]! * B[2 * j]! + A[2 * i + 1]! * B[2 * j + 1]!);
  });

  it('is W + diag(s) (A B^T)', () => {
    const update = { rank: 2, scale: 1, a: loraA, b: Float32Array.from(A), s: Float32Array.from(s) };
    const merged = W.slice();
    mergePart({ kind: 'updated', update, columns: 3, magnitude: null }, merged, 0);
    merged.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    const lowerHalf = W.slice(6);
    mergePart({ kind: 'updated', update, columns: 3, magnitude: null }, lowerHalf, 6);
    expect(lowerHalf).toEqual(merged.slice(6));
  });

  it('folds into an ordinary LoRA', () => {
    const tensors = new Map([
      ['x.lora_A.weight', { shape: [2, 3], data: loraA }],
      ['x.lora_B.weight', { shape: [4, 2], data: Float32Array.from(A) }],
      ['x.scaling_vector', { shape: [4], data: Float32Array.from(s) }],
    ]);
    const config = makePeftConfig({ peft_type: 'QLORA', r: 2, lora_alpha: 2, target_modules: ['x'] });
    const folded = foldScalingVectors({ config, tensors, metadata: {} });
    const b = folded.tensors.get('x.lora_B.weight')!.data;
    const merged = W.slice();
    const update = { rank: 2, scale: scaleOf(folded.config, 'x'), a: loraA, b, s: null };
    mergePart({ kind: 'updated', update, columns: 3, magnitude: null }, merged, 0);
    merged.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });
});

describe('merging', () => {
  it.each<[string, Partial<PeftConfig>]>([
    ['LoRA on every linear', {}],
    ['rank-stabilized with patterns', { use_rslora: true, rank_pattern: { q_proj: 3 }, alpha_pattern: { up_proj: 5 } }],
    ['Quasi-LoRA', { peft_type: 'QLORA', target_modules: ['q_proj', 'lm_head'] }],
    ['DoRA', { use_dora: true, target_modules: ['q_proj', 'down_proj'] }],
    ['the embedding adapted', { target_modules: ['embed_tokens', 'q_proj'] }],
    ['DoRA of the embedding', { use_dora: true, target_modules: ['embed_tokens', 'q_proj'] }],
    [
      'biases and whole modules',
      { target_modules: ['q_proj'], bias: 'all', modules_to_save: ['embed_tokens', 'norm'] },
    ],
    ['trained weights', { peft_type: 'NONE', trainable_modules: ['self_attn', 'lm_head'] }],
  ])('%s gives each tensor of the formula', async (_name, peft) => {
    const saved = await save(peft);
    const { dir } = await merge(saved);
    const merged = await readMerged(dir);
    expect([...merged.keys()].sort()).toEqual([...plain.folder.names()].sort());
    for (const [name, { dtype, values }] of merged) {
      expect(dtype).toBe('F32');
      const expected = await expectedOf(saved, name);
      const largest = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
      expect({ name, close: largest <= 1e-5 }).toEqual({ name, close: true });
    }
  });

  it('leaves what the adapter does not touch byte for byte', async () => {
    const saved = await save({ target_modules: ['q_proj'] }, tied);
    const merged = await readMerged((await merge(saved)).dir);
    for (const [name, { dtype, values }] of merged) {
      expect(dtype).toBe('BF16');
      if (!name.includes('q_proj')) expect(values).toEqual(await tied.folder.readFloat32(name));
    }
    expect(merged.has('lm_head.weight')).toBe(false);
  });

  it.each([
    ['f32', 'F32', 'float32', () => undefined],
    ['f16', 'F16', 'float16', roundToF16],
    ['bf16', 'BF16', 'bfloat16', roundToBf16],
  ] as const)('writes %s when asked', async (dtype, stored, name, round) => {
    const saved = await save({ target_modules: ['q_proj'] }, tied);
    const { dir } = await merge(saved, dtype);
    const merged = await readMerged(dir);
    expect([...merged.values()].every((tensor) => tensor.dtype === stored)).toBe(true);
    const expected = (await expectedOf(saved, 'model.layers.0.self_attn.q_proj.weight')).slice();
    round(expected);
    const found = merged.get('model.layers.0.self_attn.q_proj.weight')!.values;
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, dtype === 'bf16' ? 1 : 2));
    const config = JSON.parse(await readFile(path.join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['dtype']).toBe(name);
  });

  it('takes the model’s companions along and tells what it wrote', async () => {
    events.length = 0;
    const written = await merge(await save({}));
    expect(written.files).toEqual(['config.json', 'model.safetensors', 'tokenizer_config.json']);
    expect(written.files).toEqual((await readdir(written.dir)).sort());
    expect(written.bytes).toBeGreaterThan(plain.folder.totalBytes);
    expect(events.at(-1)).toMatchObject({ event: 'progress', phase: 'Merging' });
  });

  it('leaves nothing behind when it is stopped or cannot go on', async () => {
    const saved = await save({});
    const stopped = fresh();
    const signal = AbortSignal.abort();
    const options = { modelDir: plain.dir, adapterDir: saved.adapterDir, outputDir: stopped, dtype: null };
    await expect(mergeAdapter({ host: { ...host, signal }, ...options })).rejects.toThrow(Interrupted);
    const taken = saved.adapterDir;
    expect((await failureOf(merge(saved, null, taken))).code).toBe('output/not-empty');
    const broken = await save({});
    await truncate(path.join(broken.adapterDir, 'adapter_model.safetensors'), 200);
    const output = fresh();
    expect((await failureOf(merge(broken, null, output))).code).toBe('adapter/not-usable');
    expect([stopped, output].filter(existsSync)).toEqual([]);
    expect((await readdir(place(''))).filter((name) => name.startsWith('.partial'))).toEqual([]);
  });

  it('refuses f16 where a value is too large for it', async () => {
    const saved = await save({ target_modules: ['q_proj'], lora_alpha: 1e8 });
    const error = await failureOf(merge(saved, 'f16'));
    expect(error.code).toBe('merge/overflow');
    expect(error.message).toContain('q_proj.weight');
  });
});

describe('exporting for PEFT', () => {
  const exporting = ({ opened, adapterDir }: Saved) =>
    exportModel({ host, modelDir: opened.dir, adapterDir, format: 'peft', outputDir: fresh() });

  it('folds s into B and changes nothing else', async () => {
    const saved = await save({ peft_type: 'QLORA', r: 4, lora_alpha: 12 });
    const written = await exporting(saved);
    expect(written.files).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const { config, tensors } = await readPeftAdapter(written.dir);
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 4,
      lora_alpha: 12,
      base_model_name_or_path: plain.dir,
      inference_mode: true,
    });
    for (const [name, { data }] of tensors) {
      const own = saved.values.get(name)!;
      const s = saved.values.get(name.replace('lora_B.weight', 'scaling_vector'));
      expect(data).toEqual(name.includes('lora_B') ? own.map((value, i) => value * s![Math.floor(i / 4)]!) : own);
    }
    expect([...tensors.keys()].some((name) => name.includes('scaling_vector'))).toBe(false);
  });

  it('says a list of biases as PEFT can', async () => {
    const { dir } = await exporting(await save({ target_modules: ['q_proj'], bias: ['k_proj'] }));
    expect((await readPeftAdapter(dir)).config.bias).toBe('all');
  });

  it('names layers and exclusions by the modules that are left', async () => {
    const peft = { target_modules: 'all-linear', exclude_modules: '.*mlp.*', layers_to_transform: [1] };
    const { dir } = await exporting(await save(peft));
    const parts = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
    expect((await readPeftAdapter(dir)).config).toMatchObject({
      target_modules: parts.map((part) => `model.layers.1.self_attn.${part}`),
      exclude_modules: null,
      layers_to_transform: null,
    });
  });

  it('is refused for whole weights, with what to do instead', async () => {
    const error = await failureOf(exporting(await save({ peft_type: 'NONE' })));
    expect(error.code).toBe('export/no-adapter');
    expect(error.hint).toMatch(/safetensors/);
  });
});
