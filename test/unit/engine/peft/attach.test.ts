/**
 * @file What a new adapter consists of, how it starts, and that its files bring every value back.
 */
import { mkdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readPeftAdapter } from '../../../../src-main/engine/formats/peft-adapter.ts';
import { attachPeft } from '../../../../src-main/engine/peft/attach.ts';
import { PEFT_DEFAULTS } from '../../../../src-main/engine/peft/defaults.ts';
import type { PeftConfig } from '../../../../src-shared/schema/run-config.ts';
import {
  attach,
  failureOf,
  faultsOf,
  makeTestFolder,
  startOf,
  trainedOf,
  writeFiles,
  writeRandomModel,
} from './random-model.ts';

const place = await makeTestFolder();
const plain = await writeRandomModel(place('plain'));
const biased = await writeRandomModel(place('biased'), { attention_bias: true, mlp_bias: true });
const tied = await writeRandomModel(place('tied'), { tie_word_embeddings: true, attention_bias: true });
const wide = await writeRandomModel(place('wide'), { hidden_size: 128, intermediate_size: 512, num_hidden_layers: 1 });

const Q = 'model.layers.0.self_attn.q_proj';
const K = 'model.layers.0.self_attn.k_proj';
const UP = 'model.layers.0.mlp.up_proj';
const only = (module: string, more: Partial<PeftConfig> = {}) => ({ target_modules: [module], ...more });
const namesOf = async (peft: Partial<PeftConfig>, opened = plain) =>
  (await attach(opened, peft)).trainables.map(({ name }) => name);

describe('trained tensors', () => {
  it('are A and B of each target, in the order of the network', async () => {
    const { trainables } = await attach(plain, { target_modules: ['v_proj', 'q_proj'], r: 3 });
    const list = trainables.map(({ name, shape }) => `${name} ${shape.join('x')}`);
    expect(list).toEqual(
      [0, 1].flatMap((layer) => [
        `model.layers.${layer}.self_attn.q_proj.lora_A.weight 3x16`,
        `model.layers.${layer}.self_attn.q_proj.lora_B.weight 16x3`,
        `model.layers.${layer}.self_attn.v_proj.lora_A.weight 3x16`,
        `model.layers.${layer}.self_attn.v_proj.lora_B.weight 8x3`,
      ]),
    );
  });

  it('have by rank pattern the rank of their module', async () => {
    const { trainables } = await attach(plain, only(Q, { rank_pattern: { q_proj: 5 } }));
    expect(trainables.map(({ shape }) => shape)).toEqual([
      [5, 16],
      [16, 5],
    ]);
  });

  it('are joined by the magnitudes of DoRA and the vectors of Quasi-LoRA', async () => {
    const parts = ['lora_A.weight', 'lora_B.weight'];
    expect(await namesOf(only(Q, { use_dora: true }))).toEqual(
      [...parts, 'lora_magnitude_vector'].map((part) => `${Q}.${part}`),
    );
    expect(await namesOf(only(Q, { peft_type: 'QLORA' }))).toEqual(
      [...parts, 'scaling_vector'].map((part) => `${Q}.${part}`),
    );
  });

  it.each<[PeftConfig['bias'], number]>([
    ['none', 0],
    ['lora_only', 4],
    ['all', 14],
    [['up_proj', '0.self_attn.o_proj'], 3],
  ])('with bias %j are joined by %d biases', async (bias, count) => {
    const names = await namesOf({ target_modules: ['q_proj', 'up_proj'], bias }, biased);
    expect(names.filter((name) => name.endsWith('.bias'))).toHaveLength(count);
  });

  it('are joined by modules saved whole, which have no adapter then', async () => {
    const names = await namesOf({ modules_to_save: ['layers.1.self_attn', 'model.norm', 'lm_head'] });
    expect(names.filter((name) => !name.includes('lora_'))).toEqual([
      ...['q', 'k', 'v', 'o'].map((part) => `model.layers.1.self_attn.${part}_proj.weight`),
      'model.norm.weight',
      'lm_head.weight',
    ]);
    expect(names.some((name) => name.startsWith('model.layers.1.self_attn.q_proj.lora_'))).toBe(false);
  });

  it('without an adapter are all weights, or those of the named modules', async () => {
    const none = { peft_type: 'NONE' } as const;
    expect(await namesOf(none)).toEqual(plain.model.weights.map(({ name }) => name));
    expect(await namesOf({ ...none, trainable_modules: ['layers.0.mlp', 'norm'] })).toEqual([
      ...['gate', 'up', 'down'].map((part) => `model.layers.0.mlp.${part}_proj.weight`),
      'model.norm.weight',
    ]);
    expect(await namesOf({ ...none, trainable_modules: '.*layernorm' })).toHaveLength(4);
    expect(await namesOf({ ...none, trainable_modules: 'all-linear' })).toHaveLength(14);
    expect(plain.model.linears.every(({ update }) => update === null)).toBe(true);
  });

  it('decay unless they are biases or norms', async () => {
    const { trainables } = await attach(biased, {
      ...only('q_proj'),
      bias: 'all',
      modules_to_save: ['norm', 'lm_head'],
    });
    const still = trainables.filter(({ decay }) => !decay).map(({ name }) => name);
    expect(still.every((name) => name.endsWith('.bias') || name.includes('norm'))).toBe(true);
    expect(trainables.filter(({ decay }) => decay).map(({ name }) => name.replace(/.*_proj\./, ''))).toEqual(
      expect.arrayContaining(['lora_A.weight', 'lora_B.weight', 'lm_head.weight']),
    );
    expect(still).toHaveLength(14 + 5);
  });

  it('learn at their own rates', async () => {
    const rates = async (peft: Partial<PeftConfig>) => {
      const options = {
        ...plain,
        peft: { ...PEFT_DEFAULTS, ...peft },
        loraPlus: { ratio: 16, tableRatio: 0.01 },
        seed: 1,
      };
      return (await attachPeft(options)).trainables.map(({ lrRatio }) => lrRatio);
    };
    expect(await rates(only(Q, { peft_type: 'QLORA', scaling_vector_lr_ratio: 0.5 }))).toEqual([1, 16, 0.5]);
    expect(await rates(only(Q, { use_dora: true }))).toEqual([1, 16, 16]);
    expect(await rates(only('embed_tokens', { use_dora: true }))).toEqual([0.01, 0.01, 16]);
    expect((await attach(plain, only(Q))).trainables.map(({ lrRatio }) => lrRatio)).toEqual([1, 1]);
  });

  it('cannot be none', async () => {
    const error = await failureOf(attach(plain, { ...only('q_proj'), modules_to_save: ['q_proj'] }));
    expect(faultsOf(error).join()).toMatch(/leave no module to adapt/);
  });
});

describe('starting values', () => {
  const start = async (peft: Partial<PeftConfig>, seed = 1) => startOf(await attach(wide, peft, seed));
  const A = `${UP}.lora_A.weight`;
  const B = `${UP}.lora_B.weight`;
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = (values: Float32Array) => Math.sqrt(mean(values.map((value) => value * value)));

  it('are uniform in ±1/sqrt(in) for A and zero for B', async () => {
    const values = await start(only(UP, { r: 64 }));
    const a = values.get(A)!;
    const bound = 1 / Math.sqrt(128);
    expect(Math.max(...a)).toBeLessThanOrEqual(bound);
    expect(Math.max(...a)).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...a)).toBeLessThan(-0.99 * bound);
    // 8,192 values: four standard errors.
    expect(Math.abs(mean(a))).toBeLessThan((4 * bound) / Math.sqrt(3 * a.length));
    expect(deviation(a)).toBeCloseTo(bound / Math.sqrt(3), 3);
    expect(values.get(B)!.every((value) => value === 0)).toBe(true);
  });

  it('are normal with deviation 1/r for "gaussian"', async () => {
    const values = await start(only(UP, { r: 32, init_lora_weights: 'gaussian' }));
    const a = values.get(A)!;
    expect(deviation(a) * 32).toBeCloseTo(1, 1);
    expect(a.filter((value) => Math.abs(value * 32) < 1).length / a.length).toBeCloseTo(0.683, 1);
    expect(values.get(B)!.every((value) => value === 0)).toBe(true);
  });

  it('are random for both with init_lora_weights false', async () => {
    const b = (await start(only(UP, { r: 16, init_lora_weights: false }))).get(B)!;
    expect(Math.max(...b)).toBeLessThanOrEqual(0.25);
    expect(deviation(b)).toBeCloseTo(0.25 / Math.sqrt(3), 2);
  });

  it('depend on seed and name alone', async () => {
    const alone = await start(only(UP));
    const among = await start({});
    expect(among.get(A)).toEqual(alone.get(A));
    expect((await start(only(UP), 2)).get(A)).not.toEqual(alone.get(A));
    expect(among.get(`${Q}.lora_A.weight`)).not.toEqual(among.get(`${K}.lora_A.weight`));
  });

  it('are one for s, the row norms for DoRA, the base’s values for its own tensors', async () => {
    const s = (await startOf(await attach(plain, only(Q, { peft_type: 'QLORA' })))).get(`${Q}.scaling_vector`)!;
    expect([...s]).toEqual(new Array(16).fill(1));
    const weight = await plain.folder.readFloat32(`${Q}.weight`);
    const norms = Array.from({ length: 16 }, (_, row) => Math.hypot(...weight.subarray(row * 16, (row + 1) * 16)));
    const dora = await startOf(await attach(plain, only(Q, { use_dora: true })));
    dora.get(`${Q}.lora_magnitude_vector`)!.forEach((value, i) => expect(value).toBeCloseTo(norms[i]!, 5));
    const table = await plain.folder.readFloat32('model.embed_tokens.weight');
    const column = (j: number) => table.filter((_, i) => i % 16 === j);
    const onTable = await startOf(await attach(plain, only('embed_tokens', { use_dora: true })));
    onTable.get('model.embed_tokens.lora_magnitude_vector')!.forEach((value, j) => {
      expect(value).toBeCloseTo(Math.hypot(...column(j)), 5);
    });
    const own = await startOf(await attach(biased, { ...only(Q), bias: 'all', modules_to_save: ['lm_head'] }));
    for (const name of [`${UP}.bias`, 'lm_head.weight']) {
      expect(own.get(name)).toEqual(await biased.folder.readFloat32(name));
    }
  });
});

describe('PiSSA', () => {
  it('splits W into the frozen rest and the update', async () => {
    const setup = await attach(plain, { init_lora_weights: 'pissa', r: 4, lora_alpha: 8 });
    expect(setup.replaced.size).toBe(14);
    const values = await startOf(setup);
    const rest = await setup.replaced.get(`${UP}.weight`)!();
    const weight = await plain.folder.readFloat32(`${UP}.weight`);
    const [a, b] = [values.get(`${UP}.lora_A.weight`)!, values.get(`${UP}.lora_B.weight`)!];
    weight.forEach((value, at) => {
      const [i, j] = [Math.floor(at / 16), at % 16];
      const update = [0, 1, 2, 3].reduce((sum, k) => sum + b[i * 4 + k]! * a[k * 16 + j]!, 0);
      expect(rest[at]! + 2 * update).toBeCloseTo(value, 5);
    });
  });

  it('is saved as an ordinary adapter of doubled rank and read back', async () => {
    const setup = await attach(plain, { init_lora_weights: 'pissa', r: 4, lora_alpha: 8, rank_pattern: { q_proj: 2 } });
    const values = await trainedOf(setup);
    const dir = await writeFiles(await setup.files(values), place('pissa'));
    const { config, tensors } = await readPeftAdapter(dir);
    expect(config).toMatchObject({ r: 8, lora_alpha: 16, rank_pattern: { q_proj: 4 }, init_lora_weights: true });
    expect(tensors.get(`${Q}.lora_A.weight`)?.shape).toEqual([4, 16]);
    expect(await setup.restore(dir)).toEqual(values);
  });
});

describe('files', () => {
  it.each<[string, Partial<PeftConfig>]>([
    ['LoRA', {}],
    ['Quasi-LoRA with biases', { peft_type: 'QLORA', bias: ['q_proj'] }],
    ['DoRA with whole modules', { use_dora: true, modules_to_save: ['norm', 'embed_tokens'] }],
    ['LoRA with the embedding', { target_modules: ['embed_tokens', 'q_proj'], rank_pattern: { embed_tokens: 2 } }],
    ['DoRA of the embedding', { use_dora: true, target_modules: ['embed_tokens', 'q_proj'] }],
    ['Quasi-LoRA of the embedding', { peft_type: 'QLORA', target_modules: ['embed_tokens'] }],
    ['PiSSA with the embedding', { init_lora_weights: 'pissa', target_modules: ['embed_tokens', 'q_proj'] }],
    ['all weights', { peft_type: 'NONE' }],
    ['some weights', { peft_type: 'NONE', trainable_modules: ['mlp'] }],
  ])('bring every bit back: %s', async (name, peft) => {
    for (const [kind, opened] of Object.entries({ biased, tied })) {
      const setup = await attach(opened, peft);
      const values = await trainedOf(setup);
      const dir = await writeFiles(await setup.files(values), place(`${name} ${kind}`));
      expect(await setup.restore(dir)).toEqual(values);
    }
  });

  it('name the base, the settings and the modules', async () => {
    const setup = await attach(plain, {
      peft_type: 'QLORA',
      r: 2,
      target_modules: ['query'],
      layers_to_transform: [1],
    });
    const dir = await writeFiles(await setup.files(await startOf(setup)), place('described'));
    expect((await readPeftAdapter(dir)).config).toMatchObject({
      peft_type: 'QLORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: plain.dir,
      r: 2,
      lora_alpha: 32,
      target_modules: ['q_proj'],
      layers_to_transform: [1],
    });
  });

  it('of other settings are refused with every difference', async () => {
    const small = await attach(plain, only('q_proj', { r: 2 }));
    const dir = await writeFiles(await small.files(await startOf(small)), place('other'));
    const error = await failureOf((await attach(plain, { target_modules: ['q_proj', 'k_proj'], r: 2 })).restore(dir));
    expect(error.code).toBe('adapter/does-not-fit');
    expect(faultsOf(error)).toHaveLength(4);
    const empty = place('empty');
    await mkdir(empty);
    expect((await failureOf(small.restore(empty))).code).toBe('adapter/not-usable');
  });
});
