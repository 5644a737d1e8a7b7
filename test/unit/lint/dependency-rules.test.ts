/**
 * @file The import arrows really fail on a bad import: each case is a small tree of two files, checked with the real rules.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const CRUISER = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');

/** [importing file, imported file or package, rule that must fail, or null where the import is right] */
const CASES: readonly [from: string, to: string, rule: string | null][] = [
  ['src-main/engine/recipes/a.ts', 'src-main/services/b.ts', 'layer-engine'],
  ['src-main/jobs/a.ts', 'src-main/transport/b.ts', 'layer-jobs'],
  ['src-main/services/a.ts', 'src-main/cli/b.ts', 'layer-services'],
  ['src-main/cli/a.ts', 'src-main/app/b.ts', 'layer-transport-cli'],
  ['src-main/engine/data/a.ts', 'src-main/store/b.ts', 'store-is-for-services'],
  ['src-main/cli/c.ts', 'src-main/store/b.ts', 'store-is-for-services'],
  ['src-main/store/a.ts', 'src-main/engine/data/b.ts', 'store-knows-no-layer'],
  ['src-shared/domain/a.ts', 'src-main/engine/data/b.ts', 'shared-is-lowest'],
  ['src-shared/domain/c.ts', 'node:fs', 'shared-has-no-node'],
  ['src-renderer/api/a.ts', 'src-main/services/b.ts', 'renderer-knows-shared-only'],
  ['src-renderer/api/c.ts', 'node:fs', 'renderer-has-no-node'],
  ['src-renderer/state/a.ts', 'src-renderer/views/b.ts', 'renderer-state'],
  ['src-renderer/components/shared/a.ts', 'src-renderer/components/runs/b.ts', 'renderer-shared-components'],
  ['src-main/app/preload.ts', 'src-main/services/b.ts', 'preload-knows-shared-only'],
  ['src-main/services/c.ts', 'src-main/engine/device/tensorflow-binding.ts', 'tensorflow-in-jobs-only'],
  ['src-main/engine/device/a.ts', 'src-main/engine/ops/b.ts', 'engine-device'],
  ['src-main/engine/ops/a.ts', 'src-main/engine/nn/b.ts', 'engine-ops'],
  ['src-main/engine/models/a.ts', 'src-main/engine/peft/b.ts', 'engine-models'],
  ['src-main/engine/formats/a.ts', 'src-main/engine/models/b.ts', 'engine-formats-tokenizer-data'],
  ['src-main/engine/steps/a.ts', 'src-main/engine/recipes/b.ts', 'engine-steps'],
  ['src-main/engine/weights/a.ts', 'src-main/engine/steps/b.ts', 'engine-weights'],
  ['src-main/services/d.ts', 'better-sqlite3', 'sqlite-in-store'],
  ['src-main/services/e.ts', 'electron', 'electron-in-app'],
  ['src-main/services/f.ts', 'ws', 'ws-in-transport'],
  ['src-main/services/g.ts', 'vitest', 'no-development-packages'],
  ['src-main/services/h.ts', './not-there.ts', 'resolvable'],
  ['scripts/setup/a.mjs', 'src-main/services/b.ts', 'scripts-stand-alone'],
  ['src-main/cli/d.ts', 'scripts/setup/b.mjs', 'set-up-through-services'],
  ['src-main/services/k.ts', 'scripts/setup/b.mjs', null],
  ['src-main/services/i.ts', 'src-main/jobs/b.ts', null],
  ['src-main/services/j.ts', 'src-main/store/b.ts', null],
  ['src-main/store/c.ts', 'better-sqlite3', null],
  ['src-main/app/c.ts', 'electron', null],
  ['src-main/engine/recipes/c.ts', 'src-main/engine/peft/b.ts', null],
  ['src-main/engine/peft/a.ts', 'src-main/engine/nn/b.ts', null],
];

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

let folder = '';
let violations: readonly Violation[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-rules-'));
  for (const [from, to] of CASES) {
    const isFile = /^(src-|scripts)/.test(to);
    if (isFile) writeSource(to, 'export const value = 1;\n');
    const relative = path.posix.relative(path.posix.dirname(from), to);
    const target = isFile ? (relative.startsWith('.') ? relative : `./${relative}`) : to;
    writeSource(from, `import * as other from '${target}';\nexport const used = other;\n`);
  }
  writeSource('src-main/jobs/circle-a.ts', "export { b } from './circle-b.ts';\nexport const a = 1;\n");
  writeSource('src-main/jobs/circle-b.ts', "export { a } from './circle-a.ts';\nexport const b = 1;\n");
  for (const name of ['better-sqlite3', 'ws', 'vitest']) {
    writeSource(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    writeSource(`node_modules/${name}/index.js`, '');
  }
  const dependencies = { 'better-sqlite3': '1.0.0', ws: '1.0.0' };
  writeSource('package.json', JSON.stringify({ name: 'sample', dependencies, devDependencies: { vitest: '1.0.0' } }));
  const sources = ['src-main', 'src-shared', 'src-renderer', 'scripts'];
  const args = [CRUISER, '--config', path.join(ROOT, 'dependency-rules.mjs'), '--output-type', 'json', ...sources];
  const result = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  expect(result.stderr).toBe('');
  violations = JSON.parse(result.stdout).summary.violations;
});

afterAll(() => {
  if (folder) rmSync(folder, { recursive: true });
});

describe('import arrows', () => {
  it.each(CASES.filter(([, , rule]) => rule !== null))('%s may not import %s', (from, _to, rule) => {
    expect(rulesBrokenBy(from)).toContain(rule);
  });

  it.each(CASES.filter(([, , rule]) => rule === null))('%s may import %s', (from) => {
    expect(rulesBrokenBy(from)).toEqual([]);
  });

  it('finds a cycle', () => {
    expect(rulesBrokenBy('src-main/jobs/circle-a.ts')).toContain('no-cycles');
  });

  it('ends with a fault, so that the lint command does', () => {
    const args = [CRUISER, '--config', path.join(ROOT, 'dependency-rules.mjs'), 'src-shared'];
    const result = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(result.stdout).toContain('shared-has-no-node');
    expect(result.status).not.toBe(0);
  });
});

function rulesBrokenBy(from: string): string[] {
  return violations.filter((violation) => violation.from === from).map((violation) => violation.rule.name);
}

function writeSource(name: string, text: string): void {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
