/**
 * @file Adapters that exist: their settings and values are taken over, and what does not fit is told, all of it at once.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ADAPTER_CONFIG_FILE,
  readPeftAdapter,
  writePeftAdapter,
  type AdapterTensor,
} from '../../../../src-main/engine/formats/peft-adapter.ts';
import { loadAdapter } from '../../../../src-main/engine/peft/load-adapter.ts';
import { peftSchema, type PeftConfig } from '../../../../src-shared/schema/run-config.ts';
import {
  attach,
  failureOf,
  faultsOf,
  makeTestFolder,
  startOf,
  T5_CONFIG,
  trainedOf,
  writeFiles,
  writeRandomModel,
  type OpenedModel,
} from './random-model.ts';

const place = await makeTestFolder();
const plain = await writeRandomModel(place('plain'), { attention_bias: true });
const tied = await writeRandomModel(place('tied'), { tie_word_embeddings: true });
const Q = 'model.layers.0.self_attn.q_proj';
let count = 0;

/** A trained adapter of these settings. */
async function save(peft: Partial<PeftConfig>, opened = plain): Promise<string> {
  const setup = await attach(opened, peft);
  return writeFiles(await setup.files(await trainedOf(setup)), place(`adapter-${(count += 1)}`));
}

const load = (dir: string, peft?: Partial<PeftConfig>, opened: OpenedModel = plain) =>
  loadAdapter({ ...opened, dir, ...(peft && { peft }) });

/** Changes a copy of an adapter. */
async function changed(
  dir: string,
  change: (tensors: Map<string, AdapterTensor>, config: Record<string, unknown>) => void,
): Promise<string> {
  const adapter = await readPeftAdapter(dir);
  const tensors = new Map(adapter.tensors);
  const config: Record<string, unknown> = { ...adapter.config };
  change(tensors, config);
  const copy = place(`adapter-${(count += 1)}`);
  await writePeftAdapter(copy, { ...adapter, tensors });
  const file = path.join(copy, ADAPTER_CONFIG_FILE);
  const text = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...text, ...config }));
  return copy;
}

const SETTINGS: readonly Partial<PeftConfig>[] = [
  {},
  { r: 2, lora_alpha: 6, target_modules: ['query'], use_rslora: true, lora_dropout: 0.1 },
  { target_modules: '.*\\.(q|up)_proj', rank_pattern: { q_proj: 3 }, alpha_pattern: { up_proj: 5 } },
  { target_modules: 'all-linear', layers_to_transform: [1], exclude_modules: ['down_proj'] },
  { peft_type: 'QLORA', bias: 'all' },
  { use_dora: true, bias: 'lora_only', target_modules: ['q_proj', 'up_proj'] },
  { use_dora: true, target_modules: ['embed_tokens', 'q_proj'], rank_pattern: { embed_tokens: 3 } },
  { bias: ['k_proj'], modules_to_save: ['lm_head', 'norm'] },
];

describe.each(SETTINGS.map((peft) => ({ peft })))('an adapter with $peft', ({ peft }) => {
  it('comes back with its tensors, updates and values', async () => {
    const setup = await attach(plain, peft);
    const values = await trainedOf(setup);
    const updates = plain.model.linears.map(({ update }) => update);
    const dir = await writeFiles(await setup.files(values), place(`adapter-${(count += 1)}`));
    const loaded = await load(dir);
    expect(loaded.trainables.map(({ name, shape, decay }) => ({ name, shape, decay }))).toEqual(
      setup.trainables.map(({ name, shape, decay }) => ({ name, shape, decay })),
    );
    expect(await startOf(loaded)).toEqual(values);
    expect(plain.model.linears.map(({ update }) => update)).toEqual(updates);
    expect(loaded.config).toMatchObject({ peft_type: peft.peft_type ?? 'LORA', adapter_path: dir });
  });

  it('gives settings that are whole, contradict it nowhere, and attach to the same tensors', async () => {
    const dir = await save(peft);
    const { config, trainables } = await load(dir);
    expect(peftSchema.parse(config)).toEqual(config);
    expect((await load(dir, config)).config).toEqual(config);
    expect((await load(dir, peft)).config).toEqual(config);
    const anew = await attach(plain, config);
    expect(anew.trainables.map(({ name }) => name)).toEqual(trainables.map(({ name }) => name));
    expect(await anew.restore(dir)).toEqual(await startOf(await load(dir)));
  });
});

it('what an adapter brings for a table that is never run has no effect, as in PEFT', async () => {
  const t5 = await writeRandomModel(place('t5'), T5_CONFIG);
  const dir = await save({ target_modules: ['q', 'v'] }, t5);
  const tensor = (...shape: number[]): AdapterTensor => ({
    shape,
    data: new Float32Array(shape.reduce((product, side) => product * side, 1)).fill(0.1),
  });
  const more = await changed(dir, (tensors, config) => {
    tensors.set('shared.lora_embedding_A', tensor(8, 20));
    tensors.set('shared.lora_embedding_B', tensor(8, 8));
    config['target_modules'] = ['q', 'v', 'shared'];
  });
  const whole = await changed(dir, (tensors, config) => {
    tensors.set('shared.weight', tensor(20, 8));
    config['modules_to_save'] = ['shared'];
  });
  const wanted = await load(dir, undefined, t5);
  for (const other of [more, whole]) {
    const loaded = await load(other, undefined, t5);
    expect({ ...loaded.config, adapter_path: dir }).toEqual(wanted.config);
    expect(await startOf(loaded)).toEqual(await startOf(wanted));
  }
});

it('what an adapter brings for where T5 looks tokens up is refused in its own words', async () => {
  const t5 = await writeRandomModel(place('t5-look-up'), T5_CONFIG);
  const dir = await changed(await save({ target_modules: ['q'] }, t5), (tensors) => {
    tensors.set('encoder.embed_tokens.lora_embedding_A', { shape: [8, 20], data: new Float32Array(160).fill(0.1) });
    tensors.set('encoder.embed_tokens.lora_embedding_B', { shape: [8, 8], data: new Float32Array(64).fill(0.1) });
  });
  const { faults } = await failureOf(load(dir, undefined, t5));
  expect(faults.map(({ field }) => field)).toEqual([
    'encoder.embed_tokens.lora_embedding_A',
    'encoder.embed_tokens.lora_embedding_B',
  ]);
  expect(faults[0]).toMatchObject({
    message: expect.stringContaining('looks tokens up for an encoder or decoder'),
    hint: expect.stringContaining('peft_type NONE'),
  });
});

describe('training on from an adapter', () => {
  it('may make it a Quasi-LoRA one, s starting at one', async () => {
    const dir = await save({ target_modules: ['q_proj'] });
    const loaded = await load(dir, { peft_type: 'QLORA', scaling_vector_lr_ratio: 2 });
    const s = loaded.trainables.find(({ name }) => name === `${Q}.scaling_vector`);
    expect(s).toMatchObject({ shape: [16], lrRatio: 2 });
    expect([...(await s!.initial())]).toEqual(new Array(16).fill(1));
    expect(loaded.config.peft_type).toBe('QLORA');
    expect(plain.model.linears.find(({ path: module }) => module === Q)?.update?.scalingVector).toBe(true);
  });

  it('may make a Quasi-LoRA one ordinary, s folded into B', async () => {
    const dir = await save({ peft_type: 'QLORA', target_modules: ['q_proj'] });
    const native = await startOf(await load(dir));
    const ordinary = await startOf(await load(dir, { peft_type: 'LORA' }));
    expect([...ordinary.keys()]).not.toContain(`${Q}.scaling_vector`);
    const [s, b] = [native.get(`${Q}.scaling_vector`)!, native.get(`${Q}.lora_B.weight`)!];
    expect(ordinary.get(`${Q}.lora_B.weight`)).toEqual(b.map((value, i) => value * s[Math.floor(i / 8)]!));
  });

  it('refuses every setting that contradicts it, naming both values', async () => {
    const dir = await save({ r: 4, target_modules: ['q_proj'], use_dora: true });
    const error = await failureOf(
      load(dir, {
        peft_type: 'QLORA',
        r: 8,
        lora_alpha: 32,
        lora_dropout: 0.2,
        use_dora: false,
        bias: 'all',
        modules_to_save: ['norm'],
        target_modules: ['q_proj', 'v_proj'],
        init_lora_weights: 'gaussian',
        rank_pattern: { q_proj: 2 },
      }),
    );
    expect(error.code).toBe('peft/contradicts-adapter');
    expect(faultsOf(error)).toEqual([
      'peft.peft_type is QLORA, but the adapter uses DoRA, which scales the rows itself',
      "peft.r is 8, the adapter's is 4",
      "peft.lora_dropout is 0.2, the adapter's is 0",
      `peft.bias is "all", the adapter's is "none"`,
      "peft.use_dora is false, the adapter's is true",
      `peft.modules_to_save is ["norm"], the adapter's is []`,
      `peft.rank_pattern is {"q_proj":2}, the adapter's is {}`,
      'peft.init_lora_weights is "gaussian", but A and B start as they are in the adapter',
      `peft.target_modules is ["q_proj","v_proj"], the adapter's modules are ["q_proj"]`,
    ]);
  });

  it('accepts the same modules in other words', async () => {
    const dir = await save({ target_modules: ['q_proj', 'v_proj'] });
    await expect(load(dir, { target_modules: '.*\\.[qv]_proj' })).resolves.toBeDefined();
    await expect(load(dir, { target_modules: ['value', 'query'] })).resolves.toBeDefined();
  });
});

describe('an adapter of another model', () => {
  it('is refused with every tensor that does not fit', async () => {
    const dir = await save({ target_modules: ['q_proj', 'lm_head'], modules_to_save: ['norm'] });
    const other = await writeRandomModel(place('other'), { hidden_size: 32, num_hidden_layers: 1 });
    const error = await failureOf(load(dir, undefined, other));
    expect(error.code).toBe('adapter/does-not-fit');
    expect(faultsOf(error)).toEqual([
      'lm_head.lora_A.weight must be [8, 32] for this model, got [8, 16]',
      expect.stringMatching(/layers.0.input_layernorm.weight must be \[32\]/),
      expect.stringMatching(/layers.0.post_attention_layernorm.weight must be/),
      `${Q}.lora_A.weight must be [8, 32] for this model, got [8, 16]`,
      `${Q}.lora_B.weight must be [32, 8] for this model, got [16, 8]`,
      ...['input_layernorm.weight', 'post_attention_layernorm.weight', 'q_proj.lora_A', 'q_proj.lora_B'].map((end) =>
        expect.stringMatching(new RegExp(`layers\\.1\\..*${end}.*a module that this model has not`)),
      ),
      'model.norm.weight must be [32] for this model, got [16]',
    ]);
    expect(error.faults.every(({ file }) => file?.endsWith('adapter_model.safetensors'))).toBe(true);
  });

  it('is found out by its settings too', async () => {
    const dir = await save({ target_modules: ['q_proj'] });
    const fewer = await changed(dir, (_, config) => (config['target_modules'] = ['k_proj']));
    expect(faultsOf(await failureOf(load(fewer)))).toEqual([
      'model.layers.0.self_attn.k_proj.lora_A.weight is missing; adapter_config.json names this module',
      'model.layers.1.self_attn.k_proj.lora_A.weight is missing; adapter_config.json names this module',
      `${Q}.lora_A.weight is for a module that adapter_config.json does not name`,
      'model.layers.1.self_attn.q_proj.lora_A.weight is for a module that adapter_config.json does not name',
    ]);
    const none = await changed(dir, (_, config) => (config['target_modules'] = ['wq']));
    expect(faultsOf(await failureOf(load(none)))).toEqual(['target_modules "wq" matches no module of this model']);
  });

  it('may name modules that this model has not beside those it has, as PEFT’s do', async () => {
    const dir = await changed(await save({ target_modules: ['q_proj'] }), (_, config) => {
      config['target_modules'] = ['q_proj', 'query_key_value'];
      config['rank_pattern'] = { wq: 4 };
      config['modules_to_save'] = ['score'];
    });
    const { config } = await load(dir);
    expect(config).toMatchObject({ target_modules: ['q_proj'], rank_pattern: {}, modules_to_save: [] });
    await expect(attach(plain, config)).resolves.toBeDefined();
  });

  it('may have a pattern in Python’s own syntax: its file says which modules are meant', async () => {
    const dir = await changed(await save({ target_modules: ['q_proj'] }), (_, config) => {
      config['target_modules'] = '(?P<any>.*)\\.q_proj';
    });
    expect((await load(dir)).config.target_modules).toEqual(['q_proj']);
  });
});

describe('a tied model', () => {
  it('has its trained embedding under both names, as PEFT wants it', async () => {
    const dir = await save({ target_modules: ['q_proj'], modules_to_save: ['embed_tokens'] }, tied);
    const { tensors, config } = await readPeftAdapter(dir);
    expect(config.ensure_weight_tying).toBe(true);
    expect(tensors.get('lm_head.weight')).toEqual(tensors.get('model.embed_tokens.weight'));
    const loaded = await load(dir, undefined, tied);
    expect(loaded.trainables.map(({ name }) => name)).not.toContain('lm_head.weight');
  });

  it.each([
    ['parted', (tensors: Map<string, AdapterTensor>) => tensors.set('lm_head.weight', halve(tensors))],
    ['trained alone', (tensors: Map<string, AdapterTensor>) => tensors.delete('lm_head.weight')],
  ])('refuses an embedding that PEFT %s', async (_what, part) => {
    const dir = await save({ target_modules: ['q_proj'], modules_to_save: ['embed_tokens'] }, tied);
    const parted = await changed(dir, (tensors, config) => {
      part(tensors);
      config['ensure_weight_tying'] = false;
      config['modules_to_save'] = ['embed_tokens', 'lm_head'];
    });
    expect(faultsOf(await failureOf(load(parted, undefined, tied)))).toEqual([
      'model.embed_tokens.weight parts embedding and head, which share one table in this model',
    ]);
  });
});

function halve(tensors: ReadonlyMap<string, AdapterTensor>): AdapterTensor {
  const { shape, data } = tensors.get('model.embed_tokens.weight')!;
  return { shape, data: data.map((value) => value / 2) };
}

describe('whole weights', () => {
  it('of a run without an adapter are laid over the model', async () => {
    const setup = await attach(plain, { peft_type: 'NONE', trainable_modules: ['mlp'] });
    const values = await trainedOf(setup);
    const dir = await writeFiles(await setup.files(values), place('weights'));
    const loaded = await load(dir);
    expect(await startOf(loaded)).toEqual(values);
    expect(loaded.config.peft_type).toBe('NONE');
    const anew = await attach(plain, loaded.config);
    expect(anew.trainables.map(({ name }) => name)).toEqual([...values.keys()]);
    expect(faultsOf(await failureOf(load(dir, { peft_type: 'LORA' })))[0]).toMatch(/^peft.peft_type is LORA/);
    const other = await writeRandomModel(place('narrow'), { intermediate_size: 8 });
    expect((await failureOf(load(dir, undefined, other))).faults).toHaveLength(6);
  });

  it('that are a whole model belong elsewhere', async () => {
    const error = await failureOf(load(plain.dir));
    expect(error.code).toBe('adapter/is-a-model');
    expect(error.hint).toMatch(/as the model/);
  });
});

describe('a folder that is none', () => {
  it('is named', async () => {
    expect((await failureOf(load(place('nowhere')))).code).toBe('adapter/not-found');
    await mkdir(place('bare'));
    const error = await failureOf(load(place('bare')));
    expect(error.code).toBe('adapter/not-usable');
    expect(error.faults).toHaveLength(2);
  });

  it('may hold more, as a checkpoint does', async () => {
    const checkpoint = place('checkpoint-20');
    await cp(await save({}), checkpoint, { recursive: true });
    for (const name of ['state.json', 'optimizer.safetensors']) await writeFile(path.join(checkpoint, name), '{}');
    await expect(load(checkpoint)).resolves.toBeDefined();
  });
});
