/**
 * @file Which linears a setting means, and what is said of settings that mean none.
 */
import { describe, expect, it } from 'vitest';
import { matchPattern } from '../../../../src-main/engine/peft/module-patterns.ts';
import type { PeftConfig } from '../../../../src-shared/schema/run-config.ts';
import { attach, failureOf, faultsOf, makeTestFolder, T5_CONFIG, writeRandomModel } from './random-model.ts';

const place = await makeTestFolder();
const untied = await writeRandomModel(place('untied'));
const t5 = await writeRandomModel(place('t5'), T5_CONFIG);
const tied = await writeRandomModel(place('tied'), { tie_word_embeddings: true, num_hidden_layers: 12 });

/** Paths of the linears that got an update. */
async function targetsOf(peft: Partial<PeftConfig>, opened = untied): Promise<string[]> {
  await attach(opened, peft);
  return opened.model.linears.filter(({ update }) => update !== null).map(({ path }) => path);
}

describe('target_modules', () => {
  it.each<[Partial<PeftConfig>, number]>([
    [{ target_modules: 'all-linear' }, 14],
    [{ target_modules: 'ALL-LINEAR' }, 14],
    [{ target_modules: ['q_proj', 'v_proj'] }, 4],
    [{ target_modules: ['1.self_attn.q_proj'] }, 1],
    [{ target_modules: ['lm_head'] }, 1],
    [{ target_modules: '.*_proj' }, 14],
    [{ target_modules: 'model\\.layers\\.0\\..*' }, 7],
    [{ target_modules: 'all-linear', exclude_modules: ['mlp.up_proj', 'q_proj'] }, 10],
    [{ target_modules: 'all-linear', exclude_modules: '.*mlp.*' }, 8],
    [{ target_modules: ['q_proj', 'k_proj'], layers_to_transform: [1] }, 2],
    [{ target_modules: 'all-linear', layers_to_transform: [0] }, 7],
    [{ target_modules: 'all-linear', modules_to_save: ['layers.0.mlp'] }, 11],
  ])('%j means %d linears', async (peft, count) => {
    expect(await targetsOf(peft)).toHaveLength(count);
  });

  it('covers embedding tables where they are meant', async () => {
    const updates = async (peft: Partial<PeftConfig>) => {
      await attach(untied, peft);
      return untied.model.weights.filter(({ update }) => update).map(({ name, update }) => [name, update!.rank]);
    };
    expect(await updates({ target_modules: ['embed_tokens', 'q_proj'], rank_pattern: { embed_tokens: 3 } })).toEqual([
      ['model.embed_tokens.weight', 3],
    ]);
    expect(await updates({ target_modules: '.*(embed_tokens|q_proj)', r: 2 })).toHaveLength(1);
    expect(await updates({ target_modules: 'all-linear' })).toEqual([]);
    expect(await updates({ target_modules: '.*', modules_to_save: ['embed_tokens'] })).toEqual([]);
  });

  it('means no table that is never run, and says so where one is named', async () => {
    const why = '"shared" is never run: encoder and decoder look tokens up in modules of their own';
    for (const [setting, peft] of [
      ['target_modules', { target_modules: ['q', 'shared'] }],
      ['target_modules', { target_modules: 'shared' }],
      ['modules_to_save', { target_modules: ['q'], modules_to_save: ['shared'] }],
    ] as const) {
      const error = await failureOf(attach(t5, { ...peft } as Partial<PeftConfig>));
      expect(faultsOf(error)).toEqual([expect.stringContaining(`peft.${setting} ${why}`)]);
      expect(error.faults[0]!.hint).toContain('peft_type NONE');
    }
    for (const name of ['embed_tokens', 'decoder.embed_tokens']) {
      const error = await failureOf(attach(t5, { target_modules: ['q', name] }));
      expect(faultsOf(error)).toEqual([expect.stringContaining(`"${name}" looks tokens up for an encoder or decoder`)]);
    }
    await attach(t5, { target_modules: '.*' });
    expect(t5.model.weights.find(({ name }) => name === 'shared.weight')?.update ?? null).toBeNull();
    const { trainables } = await attach(t5, { peft_type: 'NONE', trainable_modules: ['shared'] });
    expect(trainables.map(({ name }) => name)).toEqual(['shared.weight']);
  });

  it('takes a name as the end of a path after a dot, and a pattern as the whole path', async () => {
    expect(await targetsOf({ target_modules: ['o_proj'] })).toEqual([
      'model.layers.0.self_attn.o_proj',
      'model.layers.1.self_attn.o_proj',
    ]);
    const error = await failureOf(attach(untied, { target_modules: ['proj'] }));
    expect(faultsOf(error)).toEqual(['peft.target_modules "proj" matches no module of this model']);
    expect((await failureOf(attach(untied, { target_modules: 'o_proj' }))).code).toBe('peft/does-not-fit');
  });

  it('understands the words of the method document', async () => {
    expect(await targetsOf({ target_modules: ['query', 'value', 'key'] })).toEqual(
      await targetsOf({ target_modules: ['q_proj', 'k_proj', 'v_proj'] }),
    );
    const { config } = await attach(untied, { target_modules: ['query', 'value'] });
    expect(config.target_modules).toEqual(['q_proj', 'v_proj']);
  });

  it('writes all-linear as names, and patterns as they are', async () => {
    const names = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
    expect((await attach(untied)).config.target_modules).toEqual(names);
    expect((await attach(untied, { target_modules: '.*q_proj' })).config.target_modules).toBe('.*q_proj');
  });

  it('tells layer 1 from layer 11', async () => {
    const layers = await targetsOf({ target_modules: ['q_proj'], layers_to_transform: [1] }, tied);
    expect(layers).toEqual(['model.layers.1.self_attn.q_proj']);
  });

  it('clears updates of an earlier adapter', async () => {
    await attach(untied, { target_modules: 'all-linear' });
    expect(await targetsOf({ target_modules: ['q_proj'] })).toHaveLength(2);
    expect(untied.model.linears.find(({ path }) => path.endsWith('up_proj'))?.update).toBeNull();
  });
});

describe('patterns by module', () => {
  it('give rank and scale, the first that matches', async () => {
    await attach(untied, {
      r: 8,
      lora_alpha: 16,
      rank_pattern: { q_proj: 2, '.*1.self_attn.q_proj': 4 },
      alpha_pattern: { 'layers.0.self_attn.k_proj': 4 },
      use_rslora: true,
    });
    const updates = new Map(untied.model.linears.map(({ path, update }) => [path, update]));
    expect(updates.get('model.layers.1.self_attn.q_proj')).toMatchObject({ rank: 2, scale: 16 / Math.SQRT2 });
    expect(updates.get('model.layers.0.self_attn.k_proj')).toMatchObject({ rank: 8, scale: 4 / Math.sqrt(8) });
    expect(updates.get('model.layers.1.self_attn.k_proj')).toMatchObject({ rank: 8, scale: 16 / Math.sqrt(8) });
  });
});

describe('faults', () => {
  it('come all at once, each with its setting and the names there are', async () => {
    const peft: Partial<PeftConfig> = {
      target_modules: ['q_proj', 'nothing', 'lm_head'],
      exclude_modules: ['down_proj'],
      layers_to_transform: [1, 12, 40],
      rank_pattern: { up_proj: 2 },
      alpha_pattern: { '(': 2 },
      modules_to_save: ['lm_head', 'classifier'],
      bias: ['v_proj'],
      trainable_modules: ['norm'],
    };
    const error = await failureOf(attach(tied, peft));
    expect(error.code).toBe('peft/does-not-fit');
    expect(faultsOf(error)).toEqual([
      'peft.trainable_modules is for peft_type NONE',
      'peft.target_modules "nothing" matches no module of this model',
      'peft.target_modules "lm_head" shares the table of the token embedding in this model',
      'peft.exclude_modules ["down_proj"] matches none of the modules that would be adapted',
      'peft.layers_to_transform names layer 12, 40; the layers of this model are 0 to 11',
      'peft.rank_pattern "up_proj" matches none of the adapted modules',
      expect.stringMatching(/^peft.alpha_pattern .* is no regular expression/),
      'peft.modules_to_save "lm_head" shares the table of the token embedding in this model',
      'peft.modules_to_save "classifier" matches no module of this model',
      'peft.bias "v_proj" matches no module with a bias',
    ]);
    expect(error.faults[1]?.hint).toContain('model.layers.*.self_attn.q_proj');
  });

  it.each<[Partial<PeftConfig>, RegExp]>([
    [{ target_modules: '.*nothing' }, /target_modules ".\*nothing" matches no module/],
    [{ target_modules: '.*q_proj', layers_to_transform: [0] }, /layers_to_transform does not go with a pattern/],
    [{ target_modules: ['q_proj'], exclude_modules: '.*' }, /leave no module to adapt/],
    [{ exclude_modules: '(' }, /exclude_modules .* is no regular expression/],
    [{ peft_type: 'QLORA', use_dora: true }, /use_dora does not go with peft_type QLORA/],
    [{ peft_type: 'QLORA', init_lora_weights: 'pissa' }, /"pissa" does not go with peft_type QLORA/],
    [{ init_lora_weights: 'pissa', r: 17 }, /needs a rank of at most 16/],
    [{ peft_type: 'NONE', trainable_modules: ['attn'] }, /trainable_modules "attn" matches no module/],
    [{ peft_type: 'NONE', trainable_modules: '(' }, /trainable_modules .* is no regular expression/],
  ])('%j', async (peft, expected) => {
    const error = await failureOf(attach(untied, peft));
    expect(error.message).toMatch(expected);
    expect(error.faults.length).toBeGreaterThan(0);
  });
});

describe('regular expressions', () => {
  const PATHS = ['model.layers.0.self_attn.q_proj', 'lm_head'];

  it.each([
    ['Python’s named groups', '(?P<name>a)', /named groups/],
    ['JavaScript’s named groups', '(?<name>a)', /named groups/],
    ['atomic groups', '(?>a)', /atomic/],
    ['comments', '(?#note)a', /comments/],
    ['conditions', '(a)?(?(1)b|c)', /conditions/],
    ['flags at the start', '(?i)LM_HEAD', /flags/],
    ['possessive quantifiers', 'a*+b', /possessive/],
    ['quantifiers without a lower end', 'a{,3}', /without a lower end/],
    ['sets that start with a bracket', '[]a]', /start of a set/],
    ['escapes of Python', 'lm_head\\Z', /escape/],
    ['broken ones', 'a(', /no regular expression: Unterminated group/],
    ['very long ones', 'a'.repeat(5000), /5000 characters/],
    ['endless ones', '(.*)*(.*)*(.*)*(.*)*z', /too long to match/],
  ])('refuse %s with the reason', (_what, pattern, reason) => {
    const result = matchPattern(pattern, PATHS);
    expect('problem' in result && result.problem).toMatch(reason);
  });

  it.each([
    ['lm_head', ['lm_head']],
    ['.*', PATHS],
    ['model\\.layers\\.\\d+\\.self_attn\\.[qk]_proj', [PATHS[0]]],
    ['lm', []],
    ['(?:lm|x)_head|nothing', ['lm_head']],
    ['(?!lm).*', [PATHS[0]]],
    ['.*(?<=_)head', ['lm_head']],
  ])('%s is matched against whole paths', (pattern, expected) => {
    expect(matchPattern(pattern, PATHS)).toEqual({ matched: new Set(expected) });
  });
});
