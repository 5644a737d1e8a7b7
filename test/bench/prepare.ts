/**
 * @file Makes what all arms start from: a random model of a shape, a LoRA adapter for it (both kept in the cache), rows of token ids.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheRoot, REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { randomTokens } from '../interop/support/random.ts';
import type { Surroundings } from './surroundings.ts';
import { MODELS, type ModelShape, RANK } from './workloads.ts';

export interface PreparedFiles {
  readonly model: string;
  readonly adapter: string;
  readonly rows: string;
}

export interface RowsWanted {
  readonly count: number;
  readonly length: number;
  /** Of the adapter; RANK where left out. */
  readonly rank?: number;
}

/** @throws where there is no such shape */
export function findModel(name: string): ModelShape {
  const model = MODELS[name];
  if (model === undefined) throw new Error(`no model shape "${name}"; there are ${Object.keys(MODELS).join(', ')}`);
  return model;
}

export function prepareFiles(
  surroundings: Surroundings,
  model: string,
  { count, length, rank = RANK }: RowsWanted,
): PreparedFiles {
  const cache = path.join(cacheRoot(), 'bench', model);
  const shape = findModel(model);
  const dir = path.join(cache, 'model');
  const adapter = path.join(cache, rank === RANK ? 'adapter' : `adapter-${rank}`);
  make(surroundings, dir, adapter, shape, rank);
  const rows = path.join(surroundings.folder, `${model}-${count}x${length}.jsonl`);
  const lines = Array.from({ length: count }, (_, row) => randomTokens(row, length, shape.vocab_size));
  writeFileSync(rows, lines.map((ids) => `${JSON.stringify({ input_ids: ids })}\n`).join(''));
  return { model: dir, adapter, rows };
}

/** An adapter for a model that is there. @returns its folder */
export function prepareAdapter(surroundings: Surroundings, name: string, model: string): string {
  const adapter = path.join(cacheRoot(), 'bench', name, 'adapter');
  const config = JSON.parse(readFileSync(path.join(model, 'config.json'), 'utf8')) as ModelShape;
  make(surroundings, model, adapter, config, RANK);
  return adapter;
}

/** Makes what is missing. */
function make(
  { folder, python }: Surroundings,
  model: string,
  adapter: string,
  config: ModelShape,
  rank: number,
): void {
  const made = [path.join(model, 'config.json'), path.join(adapter, 'adapter_config.json')];
  if (made.every((file) => existsSync(file))) return;
  mkdirSync(path.dirname(adapter), { recursive: true });
  const spec = path.join(folder, 'prepare.json');
  const peft = { r: rank, lora_alpha: 2 * rank, lora_dropout: 0, target_modules: 'all-linear' };
  writeFileSync(spec, JSON.stringify({ model, adapter, config, peft }));
  execFileSync(python, ['-B', path.join(REPO_ROOT, 'test/bench/python/prepare.py'), spec], { stdio: 'inherit' });
}
