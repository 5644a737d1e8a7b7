import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../../src-main/engine/formats/safetensors.ts';
import { encodeFloats } from '../../../src-main/engine/formats/tensor-data.ts';
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

  it('tells what it does as it is: by its heads', async () => {
    const bert = {
      ...{ model_type: 'bert', vocab_size: 12, hidden_size: 8, intermediate_size: 10, num_hidden_layers: 1 },
      ...{ num_attention_heads: 2, max_position_embeddings: 16 },
    };
    const use = async (name: string, config: Readonly<Record<string, unknown>>) =>
      (await describeModel((await writeRandomModel(path.join(folder, name), config)).dir)).answers_as;
    expect(await use('masked', bert)).toBe('MASKED_LM');
    const classifier = { ...bert, architectures: ['BertForSequenceClassification'] };
    expect(await use('classifier', classifier)).toBe('SEQ_CLS');
    expect(await use('llama', {})).toBe('CAUSAL_LM');
    const headless = path.join(folder, 'headless');
    const { model } = await writeRandomModel(headless, bert);
    const bare = model.weights.filter(({ name }) => !name.startsWith('cls.'));
    const tensors = bare.map(({ name, shape }) => {
      const size = shape.reduce((product, side) => product * side, 1);
      return { name, dtype: 'F32' as const, shape, data: encodeFloats(new Float32Array(size), 'F32') };
    });
    await writeSafetensors(path.join(headless, 'model.safetensors'), tensors);
    expect((await describeModel(headless)).answers_as).toBeNull();
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
