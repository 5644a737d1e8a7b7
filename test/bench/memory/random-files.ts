/**
 * @file Models of random weights and rows of random tokens for the table of memory. Nothing is learnt from them; only sizes count.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeSafetensors } from '../../../src-main/engine/formats/safetensors.ts';
import { makeModel } from '../../../src-main/engine/models/registry.ts';
import { byteLevelTokenizer } from '../../unit/engine/tokenizer/fixtures.ts';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { type Configuration, MODELS, SAMPLE, VARIED } from './configurations.ts';

const SPREAD = 0.04;

/** Writes what is not there. @returns its folder */
export async function writeModel(folder: string, name: string): Promise<string> {
  if (name === SAMPLE) return path.join(REPO_ROOT, 'resources/sample-model');
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

/** Rows of which one in three may be held out: of one length, or of all lengths up to it. @returns their file */
export function writeRows(folder: string, configuration: Configuration): string {
  const { model, batch, extra, steps = 0 } = configuration;
  if (model === SAMPLE) return path.join(REPO_ROOT, 'resources/sample-data/train.jsonl');
  const count =
    extra === VARIED ? Math.max(20 * batch, steps) : 3 * Math.max(batch, extra.includes('16 rows') ? 16 : 0);
  const file = path.join(folder, 'rows.jsonl');
  const next = randomUniform(2);
  const lines = Array.from({ length: count }, (_, row) => makeRow(configuration, row, next));
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

function makeRow({ model, length: most, extra }: Configuration, row: number, next: () => number): object {
  const length = extra === VARIED ? Math.ceil((most * (0.1 + 0.9 * next())) / 2) * 2 : most;
  if (model === 'bert') return { text: letters(next, length - 1), label: ['yes', 'no'][row % 2] };
  const vocab = MODELS[model]!['vocab_size'] as number;
  const ids = (size: number): number[] => Array.from({ length: size }, () => Math.floor(next() * vocab));
  const half = Math.floor(length / 2);
  if (model === 't5') return { input_ids: ids(length), labels: ids(half) };
  const input_ids = ids(length);
  if (!extra.includes('answers')) return { input_ids };
  return { input_ids, labels: input_ids.map((id, at) => (at < half ? -100 : id)) };
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
