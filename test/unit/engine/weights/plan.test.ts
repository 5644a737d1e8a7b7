/**
 * @file How each tensor of a model is kept: stacked where its neighbours are frozen too, in the storage asked for where it is a matrix.
 */
import { describe, expect, it } from 'vitest';
import { type WeightPlanOptions, planVariables, planWeights } from '../../../../src-main/engine/weights/plan.ts';
import { attach, makeTestFolder, writeRandomModel } from '../peft/random-model.ts';

const place = await makeTestFolder();
const { model } = await writeRandomModel(place('model'));
const tied = await writeRandomModel(place('tied'), { tie_word_embeddings: true, attention_bias: true });

const PLAIN: WeightPlanOptions = { storage: 'float32', doubleQuant: false, compute: 'float32', trained: new Set() };
const LAYER = 'model.layers.0';

function membersOf(options: WeightPlanOptions, name: string): string[] | undefined {
  const found = planWeights(model, options).matrices.find((matrix) =>
    matrix.members.some((member) => member.name === name),
  );
  return found?.members.map((member) => member.name.replace(`${LAYER}.`, ''));
}

describe('matrices', () => {
  it('that share an input are stored as one', () => {
    const [q, k, v] = ['q', 'k', 'v'].map((part) => `self_attn.${part}_proj.weight`);
    expect(membersOf(PLAIN, `${LAYER}.${k}`)).toEqual([q, k, v]);
    expect(membersOf(PLAIN, `${LAYER}.mlp.up_proj.weight`)).toEqual(['mlp.gate_proj.weight', 'mlp.up_proj.weight']);
    expect(membersOf(PLAIN, `${LAYER}.self_attn.o_proj.weight`)).toEqual(['self_attn.o_proj.weight']);
  });

  it('stand alone where a neighbour is trained, in that layer only', () => {
    const trained = new Set([`${LAYER}.self_attn.k_proj.weight`]);
    expect(membersOf({ ...PLAIN, trained }, `${LAYER}.self_attn.k_proj.weight`)).toBeUndefined();
    expect(membersOf({ ...PLAIN, trained }, `${LAYER}.self_attn.q_proj.weight`)).toEqual(['self_attn.q_proj.weight']);
    expect(membersOf({ ...PLAIN, trained }, 'model.layers.1.self_attn.q_proj.weight')).toHaveLength(3);
  });

  it('are all stored as asked, but for the output head', () => {
    const { matrices, compute } = planWeights(model, {
      ...PLAIN,
      storage: 'nf4',
      compute: 'bfloat16',
      doubleQuant: true,
    });
    expect(compute).toBe('bfloat16');
    const kinds = new Map(matrices.map(({ name, kind, doubleQuant }) => [name, `${kind} ${doubleQuant}`]));
    expect(kinds.get('lm_head.weight')).toBe('bfloat16 true');
    kinds.delete('lm_head.weight');
    expect(kinds.size).toBe(8);
    expect(new Set(kinds.values())).toEqual(new Set(['nf4 true']));
  });
});

describe('a plan', () => {
  it('holds every frozen tensor once, and nothing that is trained', () => {
    for (const { model: any } of [{ model }, tied]) {
      const trained = new Set(['model.norm.weight', 'model.embed_tokens.weight', `${LAYER}.mlp.down_proj.weight`]);
      const plan = planWeights(any, { ...PLAIN, trained });
      const members = plan.matrices.flatMap(({ members: all }) => all.map(({ name }) => name));
      const rest = [...plan.tables, ...plan.vectors].map(({ name }) => name);
      const wanted = any.weights.map(({ name }) => name).filter((name) => !trained.has(name));
      expect([...members, ...rest].sort()).toEqual(wanted.sort());
    }
  });

  it('keeps tables in the compute dtype and vectors in f32', () => {
    const { tables, vectors } = planWeights(tied.model, { ...PLAIN, storage: 'int8', compute: 'bfloat16' });
    expect(tables).toEqual([{ name: 'model.embed_tokens.weight', dtype: 'bfloat16', shape: [20, 16] }]);
    expect(vectors.length).toBe(5 + 2 * 4);
    expect(new Set(vectors.map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  });

  it('counts the bytes of what it holds', () => {
    const values = model.weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(planWeights(model, PLAIN).bytes).toBe(4 * values);
    const bytesOf = (storage: WeightPlanOptions['storage']) =>
      planWeights(model, { ...PLAIN, storage, compute: 'bfloat16' }).bytes;
    expect(bytesOf('bfloat16')).toBeLessThan(bytesOf('float32'));
    expect(bytesOf('int8')).toBeLessThan(bytesOf('bfloat16'));
    expect(bytesOf('nf4')).toBeLessThan(bytesOf('int8'));
  });

  it('keeps expanded copies up to the bytes allowed, of quantized matrices only', () => {
    const none = planWeights(model, { ...PLAIN, storage: 'int8' });
    expect(none.keptBytes).toBe(0);
    const all = planWeights(model, { ...PLAIN, storage: 'int8', keptBytes: Infinity });
    expect(all.matrices.filter(({ kept }) => kept)).toHaveLength(8);
    const some = planWeights(model, { ...PLAIN, storage: 'int8', keptBytes: all.keptBytes - 1 });
    expect(some.keptBytes).toBeLessThan(all.keptBytes);
    expect(some.keptBytes).toBeGreaterThan(0);
    expect(planVariables(all).filter(({ name }) => name.endsWith('.expanded'))).toHaveLength(8);
    expect(planWeights(model, { ...PLAIN, storage: 'bfloat16', keptBytes: Infinity }).keptBytes).toBe(0);
  });

  it('knows the updates of tables', async () => {
    await attach(tied, { target_modules: ['embed_tokens', 'q_proj'], r: 4, lora_alpha: 8 });
    const { tableUpdates } = planWeights(tied.model, PLAIN);
    expect([...tableUpdates]).toEqual([['model.embed_tokens.weight', expect.objectContaining({ rank: 4, scale: 2 })]]);
    await attach(tied, { target_modules: ['q_proj'] });
    expect(planWeights(tied.model, PLAIN).tableUpdates.size).toBe(0);
  });
});
