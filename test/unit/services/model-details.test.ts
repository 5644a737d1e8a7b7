import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeModel } from '../../../src-main/services/model-details.ts';
import { writeTinyModel } from '../../recipe/support/tiny-model.ts';
import { T5_CONFIG, writeRandomModel } from '../engine/peft/random-model.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-models-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('a model folder', () => {
  it('says what it is, how large, and which matrices an adapter can go to', async () => {
    const vocab = await writeTinyModel(folder);
    writeFileSync(path.join(folder, 'README.md'), '---\nlanguage: en\nlicense: apache-2.0\n---\n# Tiny\n');
    const details = await describeModel(folder);
    expect(details).toMatchObject({
      model_type: 'llama',
      supported: true,
      vocab_size: vocab,
      hidden_size: 32,
      num_hidden_layers: 2,
      num_key_value_heads: 2,
      context_tokens: 256,
      licence: 'apache-2.0',
      dtype: 'F32',
      has_chat_template: true,
      faults: [],
    });
    const query = details.linears.find(({ name }) => name === 'q_proj');
    expect(query).toEqual({ name: 'q_proj', in_features: 32, out_features: 32, layers: [0, 1] });
    expect(details.linears.map(({ name }) => name)).not.toContain('embed_tokens');
    expect(details.parameters * 4).toBe(details.size_bytes);
  });

  it('of an encoder-decoder counts both stacks, and knows that it has no longest text', async () => {
    const config = { ...T5_CONFIG, num_layers: 2, num_decoder_layers: 3, n_positions: 512 };
    const { dir } = await writeRandomModel(path.join(folder, 't5'), config);
    const details = await describeModel(dir);
    expect(details).toMatchObject({
      supported: true,
      task_types: ['SEQ_2_SEQ_LM'],
      num_hidden_layers: 5,
      context_tokens: null,
    });
    const query = details.linears.find(({ name }) => name === 'q');
    expect(query?.layers).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
  });

  it('of an architecture that the engine lacks says so', async () => {
    await writeTinyModel(folder, { config: { model_type: 'starfish' } });
    const details = await describeModel(folder);
    expect(details).toMatchObject({ supported: false, faults: [{ field: 'model_type' }] });
  });

  it('that is none is refused with all that is missing', async () => {
    await expect(describeModel(folder)).rejects.toMatchObject({ code: 'model/not-a-model' });
  });
});
