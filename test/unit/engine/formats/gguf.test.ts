/**
 * @file GGUF files: the same bytes as llama.cpp's own writer (test/golden/make/gguf_file.py), all tensor types and value types.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  canStoreAs,
  encodeGgufTensor,
  streamGguf,
  writeGguf,
  type GgufFile,
  type GgufTensor,
} from '../../../../src-main/engine/formats/gguf.ts';
import { FIXTURES, formulaValues } from '../quant/fixtures.ts';

const ROWS = 6;
const COLUMNS = 64;

/** The values of the reference script. */
function makeValues(): Float32Array<ArrayBuffer> {
  return formulaValues(ROWS * COLUMNS).map((value, i) => {
    const row = Math.floor(i / COLUMNS);
    if (row === 1 && i % COLUMNS < 32) return 0;
    return row === 2 ? value * Math.fround(1e-6) : row === 3 ? value * 1e4 : value;
  });
}

function makeFile(): GgufFile {
  const values = makeValues();
  const corner = new Float32Array(21).map((_, i) => values[Math.floor(i / 7) * COLUMNS + (i % 7)]!);
  const tensor = (name: string, shape: number[], type: GgufTensor['type'], data = values): GgufTensor => ({
    name,
    shape,
    type,
    values: () => Promise.resolve(data),
  });
  return {
    metadata: [
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['general.name', { type: 'string', value: 'Small ✓' }],
      ['llama.block_count', { type: 'uint32', value: 2 }],
      ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
      ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
      ['tokenizer.ggml.tokens', { type: 'array', of: 'string', values: ['<s>', 'ä', 'b c'] }],
      ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', values: [3, 1, 1] }],
      ['tokenizer.ggml.scores', { type: 'array', of: 'float32', values: [0, -1.5, 2.25] }],
      ['test.large', { type: 'uint64', value: 2 ** 40 }],
    ],
    tensors: [
      tensor('vector', [5], 'f32', values.slice(0, 5)),
      tensor('half', [3, 7], 'f16', corner),
      tensor('brain', [ROWS, COLUMNS], 'bf16'),
      tensor('eight', [ROWS, COLUMNS], 'q8_0'),
    ],
  };
}

async function collect(file: GgufFile): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of streamGguf(file)) chunks.push(Buffer.from(chunk));
  return chunks;
}

describe('a GGUF file', () => {
  it('has the bytes of llama.cpp’s writer', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'tunesmith-gguf-'));
    await writeGguf(path.join(dir, 'small.gguf'), makeFile());
    const ours = await readFile(path.join(dir, 'small.gguf'));
    expect(await readdir(dir)).toEqual(['small.gguf']);
    await rm(dir, { recursive: true });
    expect(ours.equals(await readFile(path.join(FIXTURES, 'small.gguf')))).toBe(true);
  });

  it('may have a header of any length', async () => {
    const tokens = Array.from({ length: 20_000 }, (_, i) => `token ${i}`);
    const metadata = [['tokens', { type: 'array', of: 'string', values: tokens }]] as const;
    const [bytes = Buffer.alloc(0)] = await collect({ metadata, tensors: [] });
    expect(bytes.subarray(-11).toString()).toBe('token 19999');
    const textBytes = tokens.reduce((sum, token) => sum + 8 + token.length, 0);
    expect(bytes.length).toBe(24 + 8 + 6 + 4 + 4 + 8 + textBytes);
  });

  it('is not written with data that do not fit', async () => {
    const file = makeFile();
    const wrong = { ...file.tensors[0]!, shape: [6] };
    await expect(collect({ ...file, tensors: [wrong] })).rejects.toThrow('vector needs 24 bytes');
    const rows = { ...file.tensors[1]!, type: 'q8_0' as const };
    await expect(collect({ ...file, tensors: [rows] })).rejects.toThrow('cannot be q8_0');
  });
});

describe('Q8_0', () => {
  it('is for rows of whole blocks', () => {
    expect(canStoreAs([3, 64], 'q8_0')).toBe(true);
    expect(canStoreAs([64, 33], 'q8_0')).toBe(false);
    expect(canStoreAs([64, 33], 'f16')).toBe(true);
  });

  it('rounds halves away from zero', () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => [127, 0.5, -0.5, 1.5, -1.5, 0.49][i] ?? 0);
    const bytes = new Int8Array(encodeGgufTensor(values, 'q8_0').buffer);
    expect([...bytes.subarray(2, 9)]).toEqual([127, 1, -1, 2, -2, 0, 0]);
  });
});
