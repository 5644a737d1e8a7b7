/**
 * @file Models of random weights and rows of random tokens for the table of memory. Nothing is learnt from them; only sizes count.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeSafetensors } from '../../../src-main/engine/formats/safetensors.ts';
import { makeModel } from '../../../src-main/engine/models/registry.ts';
import { byteLevelTokenizer } from '../../unit/engine/tokenizer/fixtures.ts';
import { type Configuration, MODELS } from './configurations.ts';

const SPREAD = 0.04;

/** Writes what is not there. @returns its folder */
export async function writeModel(folder: string, name: string): Promise<string> {
  const config = MODELS[name]!;
  const dir = path.join(folder, name);
  if (existsSync(path.join(dir, 'model.safetensors'))) return dir;
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  // Rows for a classifier are text; those of the others are tokens, and need none.
  if (config['model_type'] === 'bert') {
    writeFileSync(path.join(dir, 'tokenizer.json'), JSON.stringify(byteLevelTokenizer()));
    writeFileSync(path.join(dir, 'tokenizer_config.json'), JSON.stringify({ pad_token: '<pad>' }));
  }
  const next = randomUniform(1);
  const tensors = makeModel(config).weights.map(({ name: tensor, shape }) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => SPREAD * (next() - 0.5));
    return { name: tensor, dtype: 'F32' as const, shape, data: new Uint8Array(values.buffer) };
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
  return dir;
}

/** Rows of one length, of which one in three may be held out. @returns their file */
export function writeRows(folder: string, { model, length, batch, extra }: Configuration): string {
  const config = MODELS[model]!;
  const hasAnswers = extra.startsWith('evaluation');
  const rows = 3 * Math.max(batch, extra.includes('16 rows') ? 16 : 0);
  const file = path.join(folder, `${model}-${rows}x${length}${hasAnswers ? '-answers' : ''}.jsonl`);
  const next = randomUniform(2);
  const ids = (count: number): number[] =>
    Array.from({ length: count }, () => Math.floor(next() * (config['vocab_size'] as number)));
  const lines = Array.from({ length: rows }, (_, row) => {
    if (config['model_type'] === 'bert') return { text: letters(next, length - 1), label: ['yes', 'no'][row % 2] };
    const half = Math.floor(length / 2);
    if (config['model_type'] === 't5') return { input_ids: ids(length), labels: ids(half) };
    const input_ids = ids(length);
    if (!hasAnswers) return { input_ids };
    return { input_ids, labels: input_ids.map((id, at) => (at < half ? -100 : id)) };
  });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

/** Each is a token of its own. */
function letters(next: () => number, count: number): string {
  return Array.from({ length: count }, () => String.fromCharCode(97 + Math.floor(next() * 4) * 5)).join('');
}

/** A small linear congruential generator. */
function randomUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
