/**
 * @file Adapter folders: PEFT's own files are read and written back with the same names and bytes, and every fault of a bad one is told.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodePeftAdapter,
  foldScalingVectors,
  readPeftAdapter,
  writePeftAdapter,
  type AdapterTensor,
  type PeftAdapter,
} from '../../../../src-main/engine/formats/peft-adapter.ts';
import {
  makePeftConfig,
  rankOf,
  scaleOf,
  type PeftAdapterSettings,
} from '../../../../src-main/engine/formats/peft-config.ts';
import {
  encodeSafetensors,
  openSafetensors,
  type SafetensorsDType,
} from '../../../../src-main/engine/formats/safetensors.ts';
import { AppError } from '../../../../src-shared/domain/app-error.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../golden/fixtures/peft-adapters');
const CASES = ['all-linear-bias', 'dora-patterns', 'embedding', 'classifier', 'gpt2'];

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tunesmith-adapter-'));
});
afterAll(() => rm(root, { recursive: true }));
const newFolder = () => path.join(root, `adapter-${(count += 1)}`);

async function readWeights(dir: string): Promise<Map<string, string>> {
  const file = await openSafetensors(path.join(dir, 'adapter_model.safetensors'));
  const tensors = new Map<string, string>();
  for (const [name, { dtype, shape }] of file.entries()) {
    tensors.set(name, `${dtype} ${shape.join()} ${Buffer.from(await file.read(name)).toString('hex')}`);
  }
  await file.close();
  return tensors;
}

const readConfig = async (dir: string) =>
  JSON.parse(await readFile(path.join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;

function tensor(shape: number[], first = 1): AdapterTensor {
  const size = shape.reduce((product, side) => product * side, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => first + i) };
}

function makeAdapter(settings: Partial<PeftAdapterSettings>, tensors: Record<string, AdapterTensor>): PeftAdapter {
  const config = makePeftConfig({ peft_type: 'LORA', r: 2, ...settings });
  return { config, tensors: new Map(Object.entries(tensors)), metadata: {} };
}

async function readFailing(dir: string): Promise<AppError> {
  const error: unknown = await readPeftAdapter(dir).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${String(error)}`);
}

describe.each(CASES)('PEFT’s %s', (name) => {
  const source = path.join(FIXTURES, name);

  it('is written back with the same tensors under the same names', async () => {
    const adapter = await readPeftAdapter(source);
    const dir = newFolder();
    await writePeftAdapter(dir, adapter);
    const expected = await readWeights(source);
    for (const ignored of adapter.ignored) expected.delete(ignored);
    const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1);
    expect([...(await readWeights(dir))].sort(byName)).toEqual([...expected].sort(byName));
    expect((await readdir(dir)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  });

  it('keeps its settings, and nothing but PEFT’s keys is written', async () => {
    const adapter = await readPeftAdapter(source);
    const dir = newFolder();
    await writePeftAdapter(dir, adapter);
    const theirs = await readConfig(source);
    const ours = await readConfig(dir);
    // PEFT takes a single layer as a number, we write a list.
    if (typeof theirs['layers_to_transform'] === 'number')
      theirs['layers_to_transform'] = [theirs['layers_to_transform']];
    expect(theirs).toMatchObject(ours);
  });
});

describe('names and settings', () => {
  it('are the engine’s own after reading', async () => {
    const { tensors, ignored, config } = await readPeftAdapter(path.join(FIXTURES, 'embedding'));
    expect([...tensors.keys()].sort()).toEqual([
      'model.embed_tokens.lora_embedding_A',
      'model.embed_tokens.lora_embedding_B',
      'model.layers.0.self_attn.q_proj.bias',
      'model.layers.0.self_attn.q_proj.lora_A.weight',
      'model.layers.0.self_attn.q_proj.lora_B.weight',
      'model.layers.1.self_attn.q_proj.bias',
      'model.layers.1.self_attn.q_proj.lora_A.weight',
      'model.layers.1.self_attn.q_proj.lora_B.weight',
    ]);
    expect(ignored).toEqual(['base_model.model.model.embed_tokens.base_layer.weight']);
    expect(config.bias).toBe('lora_only');
  });

  it('give rank and scale of each module', async () => {
    const { config } = await readPeftAdapter(path.join(FIXTURES, 'dora-patterns'));
    expect(rankOf(config, 'model.layers.1.self_attn.q_proj')).toBe(2);
    expect(rankOf(config, 'model.layers.11.self_attn.q_proj')).toBe(4);
    // rsLoRA: alpha / sqrt(rank).
    expect(scaleOf(config, 'model.layers.1.self_attn.q_proj')).toBeCloseTo(16 / Math.SQRT2, 12);
    expect(scaleOf(config, 'model.layers.0.self_attn.v_proj')).toBe(32 / 2);
    expect(scaleOf({ ...config, use_rslora: false }, 'model.layers.0.self_attn.q_proj')).toBe(4);
  });
});

describe('a native adapter', () => {
  const adapter = makeAdapter(
    { peft_type: 'QLORA', bias: ['q_proj'] },
    {
      'h.q_proj.lora_A.weight': tensor([2, 3]),
      'h.q_proj.lora_B.weight': tensor([4, 2]),
      'h.q_proj.scaling_vector': tensor([4], 0.5),
      'h.q_proj.bias': tensor([4]),
    },
  );

  it('keeps its scaling vectors and metadata', async () => {
    const dir = newFolder();
    await writePeftAdapter(dir, { ...adapter, metadata: { base_fingerprint: 'sha256:00' } });
    const read = await readPeftAdapter(dir);
    expect(read.config).toEqual(adapter.config);
    expect(new Map([...read.tensors].sort())).toEqual(new Map([...adapter.tensors].sort()));
    expect(read.metadata).toEqual({ format: 'pt', base_fingerprint: 'sha256:00' });
  });

  it('folds into a plain one: each row of B times its factor', () => {
    const folded = foldScalingVectors(adapter);
    expect(folded.config.peft_type).toBe('LORA');
    expect([...folded.tensors.keys()]).not.toContain('h.q_proj.scaling_vector');
    expect([...folded.tensors.get('h.q_proj.lora_B.weight')!.data]).toEqual([0.5, 1, 4.5, 6, 12.5, 15, 24.5, 28]);
    expect(folded.tensors.get('h.q_proj.lora_A.weight')).toBe(adapter.tensors.get('h.q_proj.lora_A.weight'));
    expect([...adapter.tensors.get('h.q_proj.lora_B.weight')!.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('can be stored in bf16', async () => {
    const dir = newFolder();
    await writePeftAdapter(dir, adapter, { dtype: 'BF16' });
    const read = await readPeftAdapter(dir);
    expect(read.tensors.get('h.q_proj.lora_B.weight')).toEqual(tensor([4, 2]));
    expect([...(await readWeights(dir)).values()].every((text) => text.startsWith('BF16'))).toBe(true);
  });
});

describe('an adapter that cannot be used', () => {
  const LORA_A = tensor([2, 3]);
  const LORA_B = tensor([4, 2]);

  /** Writes tensors under PEFT's names as they are given, with a config as it is given. */
  async function makeFolder(config: unknown, tensors: Record<string, AdapterTensor>, dtype: SafetensorsDType = 'F32') {
    const dir = newFolder();
    await cp(path.join(FIXTURES, 'classifier'), dir, { recursive: true });
    await writeFile(
      path.join(dir, 'adapter_config.json'),
      typeof config === 'string' ? config : JSON.stringify(config),
    );
    const list = Object.entries(tensors).map(([name, { shape, data }]) => {
      const bytes = dtype === 'F32' ? new Uint8Array(data.buffer) : Uint8Array.from(data);
      return { name, dtype, shape, data: bytes };
    });
    await writeFile(path.join(dir, 'adapter_model.safetensors'), encodeSafetensors(list));
    return dir;
  }

  const GOOD = { 'base_model.model.q.lora_A.weight': LORA_A, 'base_model.model.q.lora_B.weight': LORA_B };

  it('has all faults of its tensors told at once', async () => {
    const dir = await makeFolder(
      { peft_type: 'LORA', r: 2, use_dora: true, bias: 'none' },
      {
        'base_model.model.a.lora_A.weight': LORA_A,
        'base_model.model.b.lora_A.weight': tensor([3, 3]),
        'base_model.model.b.lora_B.weight': LORA_B,
        'base_model.model.b.lora_magnitude_vector': tensor([5]),
        'base_model.model.c.bias': tensor([4]),
        'model.d.lora_A.weight': LORA_A,
        'base_model.model.e.lora_C.weight': LORA_A,
        'base_model.model.f.lora_A.weight': { shape: [2, 1], data: Float32Array.of(NaN, 1) },
        'base_model.model.f.lora_B.weight': LORA_B,
        'base_model.model.f.lora_magnitude_vector': tensor([4]),
        'base_model.model.f.scaling_vector': tensor([4]),
      },
    );
    const error = await readFailing(dir);
    expect(error.code).toBe('adapter/not-usable');
    expect(error.faults.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'base_model.model.c.bias: is no tensor that an adapter with these settings has',
      'model.d.lora_A.weight: is no tensor that an adapter with these settings has',
      'base_model.model.e.lora_C.weight: is no tensor that an adapter with these settings has',
      'base_model.model.f.lora_A.weight: holds values that are not finite',
      'a.lora_B.weight: is missing',
      'a.lora_magnitude_vector: is missing; use_dora needs it',
      'b.lora_A.weight: must be [2, in], got [3, 3]',
      'b.lora_magnitude_vector: must have one value a row of lora_B (4), got [5]',
      'f.scaling_vector: is there without peft_type QLORA',
    ]);
  });

  it.each([
    ['of another kind', { peft_type: 'PREFIX_TUNING' }, GOOD, 'peft_type is "PREFIX_TUNING"'],
    [
      'with an unsupported setting',
      { peft_type: 'LORA', r: 2, lora_bias: true },
      GOOD,
      'lora_bias true is a kind of LoRA',
    ],
    [
      'with a setting of the future',
      { peft_type: 'LORA', r: 2, new_kind: { a: 1 } },
      GOOD,
      'new_kind {"a":1} is a kind',
    ],
    [
      'made for a changed base',
      { peft_type: 'LORA', r: 2, init_lora_weights: 'olora' },
      GOOD,
      'olora has changed the base',
    ],
    ['of rank 0', { peft_type: 'LORA', r: 0 }, GOOD, 'r Too small'],
    ['of another rank', { peft_type: 'LORA' }, GOOD, 'q.lora_A.weight must be [8, in], got [2, 3]'],
    ['without settings', '{', GOOD, 'is not JSON'],
    ['without pairs', { peft_type: 'LORA' }, {}, 'holds no lora_A and lora_B'],
    [
      'without scaling vectors',
      { peft_type: 'QLORA', r: 2 },
      GOOD,
      'q.scaling_vector is missing; peft_type QLORA needs it',
    ],
  ])('is refused: %s', async (_what, config, tensors, message) => {
    expect((await readFailing(await makeFolder(config, tensors))).message).toContain(message);
  });

  it('is refused for whole numbers, a missing folder and pickle files', async () => {
    const integers = await makeFolder({ peft_type: 'LORA', r: 2 }, GOOD, 'U8');
    expect((await readFailing(integers)).message).toContain('is U8; only F32');
    expect((await readFailing(path.join(root, 'none'))).code).toBe('adapter/not-found');
    const pickled = await makeFolder({ peft_type: 'LORA', r: 2 }, GOOD);
    await rm(path.join(pickled, 'adapter_model.safetensors'));
    await writeFile(path.join(pickled, 'adapter_model.bin'), 'x');
    expect((await readFailing(pickled)).message).toContain('adapter_model.bin is a pickle file');
  });

  it('is read with the adapter’s name in it, and with settings that are off', async () => {
    const old = {
      'base_model.model.q.lora_A.default.weight': LORA_A,
      'base_model.model.q.lora_B.default.weight': LORA_B,
      'base_model.model.score.modules_to_save.default.weight': tensor([2, 3]),
    };
    const config = { peft_type: 'LORA', r: 2, task_type: 'SEQ_CLS', lora_bias: false, new_kind: null, other: {} };
    const { tensors } = await readPeftAdapter(await makeFolder(config, old));
    expect([...tensors.keys()]).toEqual(['q.lora_A.weight', 'q.lora_B.weight', 'score.weight']);
  });
});

describe('encoding', () => {
  it('gives the same bytes whatever the order of the tensors', () => {
    const parts = { 'q.lora_A.weight': tensor([2, 3]), 'q.lora_B.weight': tensor([4, 2]) };
    const one = encodePeftAdapter(makeAdapter({}, parts));
    const other = encodePeftAdapter(makeAdapter({}, Object.fromEntries(Object.entries(parts).reverse())));
    expect(one).toEqual(other);
    expect([...one.keys()]).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  });
});
