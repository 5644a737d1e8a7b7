import { expect, it } from 'vitest';
import { parseRunConfig } from '../../../src-shared/schema/run-config.ts';
import { applySettings, flattenConfig, makePathsAbsolute } from '../../../src-main/services/config-edit.ts';
import { nameRun, summarizeMethod } from '../../../src-main/services/describe-run.ts';

it('takes JSON where it parses and text where it does not', () => {
  const changed = applySettings({ peft: { r: 8, bias: 'none' } }, [
    'peft.r=4',
    'peft.target_modules=["q_proj"]',
    'name=a=b',
    'training.learning_rate=2e-4',
    'data.eval=null',
    'peft.bias=lora_only',
  ]);
  expect(changed).toEqual({
    name: 'a=b',
    peft: { r: 4, bias: 'lora_only', target_modules: ['q_proj'] },
    training: { learning_rate: 2e-4 },
    data: { eval: null },
  });
});

it('names every text that is no setting', () => {
  const bad = ['peft.r', '=4', 'a..b=1', '__proto__.x=1'];
  expect(() => applySettings({}, ['peft.r=4', ...bad])).toThrow(
    expect.objectContaining({
      code: 'config/bad-setting',
      faults: bad.map((field) => expect.objectContaining({ field })),
    }),
  );
});

it('leaves unknown paths to the schema, which names them all', () => {
  const edited = applySettings({ model: { path: '/m' }, data: { train: '/d' } }, [
    'peft.rank=4',
    'model.path.deep=1',
    'x=1',
  ]);
  expect(() => parseRunConfig(edited)).toThrow(
    expect.objectContaining({
      faults: [
        expect.objectContaining({ field: 'model.path' }),
        expect.objectContaining({ field: 'peft.rank', message: 'unknown setting' }),
        expect.objectContaining({ field: 'x', message: 'unknown setting' }),
      ],
    }),
  );
});

const config = parseRunConfig({
  model: { path: 'models/tiny' },
  data: { train: ['a.jsonl', '/abs/b.csv'], eval: ['c.jsonl'] },
  peft: { adapter_path: 'adapter', r: 8, target_modules: ['q_proj', 'v_proj'] },
  quantization: { method: 'nf4' },
});

it('makes every path absolute', () => {
  expect(makePathsAbsolute(config, '/work')).toMatchObject({
    model: { path: '/work/models/tiny' },
    data: { train: ['/work/a.jsonl', '/abs/b.csv'], eval: ['/work/c.jsonl'] },
    peft: { adapter_path: '/work/adapter', r: 8 },
  });
});

it('flattens for comparing', () => {
  expect([...flattenConfig({ a: { b: [1, 2], c: {} }, d: null })]).toEqual([
    ['a.b', '[1,2]'],
    ['a.c', '{}'],
    ['d', 'null'],
  ]);
});

it('says in words what a run is', () => {
  expect(summarizeMethod(config)).toBe('QLoRA r=8, q_proj v_proj, NF4');
  expect(summarizeMethod({ ...config, peft: { peft_type: 'NONE' } })).toBe('full fine-tuning');
  expect(summarizeMethod({ ...config, quantization: {}, peft: { peft_type: 'QLORA', r: 2, lora_alpha: 4 } })).toBe(
    'Quasi-LoRA r=2 alpha=4',
  );
  expect(nameRun(config)).toBe('tiny on a');
  expect(nameRun({ ...config, name: 'Mine' })).toBe('Mine');
});
