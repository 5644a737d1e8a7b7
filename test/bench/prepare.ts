/**
 * @file Makes what all arms start from: a random model of a shape, a LoRA adapter for it (both kept in the cache), rows of token ids.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheRoot, REPO_ROOT } from '../../scripts/setup/paths.mjs';
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
  { folder, python }: Surroundings,
  model: string,
  { count, length, rank = RANK }: RowsWanted,
): PreparedFiles {
  const cache = path.join(cacheRoot(), 'bench', model);
  mkdirSync(cache, { recursive: true });
  const files: PreparedFiles = {
    model: path.join(cache, 'model'),
    adapter: path.join(cache, rank === RANK ? 'adapter' : `adapter-${rank}`),
    rows: path.join(folder, `${model}-${count}x${length}.jsonl`),
  };
  const spec = path.join(folder, 'prepare.json');
  const peft = { r: rank, lora_alpha: 2 * rank, lora_dropout: 0, target_modules: 'all-linear' };
  const rows = { row_count: count, row_length: length };
  writeFileSync(spec, JSON.stringify({ ...files, config: findModel(model), peft, ...rows }));
  execFileSync(python, ['-B', path.join(REPO_ROOT, 'test/bench/python/prepare.py'), spec], { stdio: 'inherit' });
  return files;
}
