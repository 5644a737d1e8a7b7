/**
 * @file config.json: floats stay floats in the eyes of Python, everything else is plain JSON.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeQuantizationConfig } from '../../../../src-main/engine/formats/bitsandbytes.ts';
import { encodeModelConfig } from '../../../../src-main/engine/formats/config-text.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../golden/fixtures/quantized-models');

describe('config.json', () => {
  it.each(['base', 'nf4', 'int8'])('of transformers (%s) is written as it was, but for tiny numbers', async (name) => {
    const text = await readFile(path.join(FIXTURES, name, 'config.json'), 'utf8');
    const ours = encodeModelConfig(JSON.parse(text), text);
    // Python writes 0.000001 as 1e-06; both read it as the same float.
    expect(ours).toBe(text.replace('1e-06', '0.000001').replace(/\n*$/, '\n'));
  });

  it('has the threshold of quantization as a float without an original', () => {
    const quantization_config = makeQuantizationConfig({ kind: 'int8', doubleQuant: false }, 'bfloat16');
    expect(encodeModelConfig({ quantization_config })).toContain('"llm_int8_threshold": 6.0,');
  });

  it('keeps lists, nulls, texts and whole numbers', () => {
    const original = '{"factors": [1, 1.5, 2], "eos": [1, 2], "name": "a: 1.5"}';
    const config = {
      factors: [1, 1.5, 2],
      eos: [1, 2],
      name: 'a: 1.5',
      none: null,
      left: undefined,
      empty: [],
      no: {},
    };
    const text = encodeModelConfig(config, original);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(config)));
    expect(text).toContain('"factors": [\n    1.0,\n    1.5,\n    2.0\n  ]');
    expect(text).toContain('"eos": [\n    1,\n    2\n  ]');
  });
});
