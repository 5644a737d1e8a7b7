/**
 * @file In CI a skipped test fails the run: shown with a real vitest run on a sample file.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const REPORTER = path.join(ROOT, 'scripts/launch/no-skipped-tests.mjs');
let folder = '';

beforeAll(() => {
  // Inside the clone, where the sample finds vitest.
  const temporary = path.join(import.meta.dirname, '.tmp');
  mkdirSync(temporary, { recursive: true });
  folder = mkdtempSync(path.join(temporary, 'skipped-'));
  writeFileSync(path.join(folder, 'vitest.config.mjs'), 'export default {};\n');
  writeFileSync(path.join(folder, 'sample.test.ts'), sample("it.skip('waits for better days', () => {});"));
});

afterAll(() => rmSync(folder, { recursive: true }));

it('fails in CI and names the test', () => {
  const result = runSample({ CI: 'true' });
  expect(result.stderr).toContain('sample.test.ts: waits for better days');
  expect(result.status).toBe(1);
});

it('passes elsewhere', () => {
  expect(runSample({ CI: '' }).status).toBe(0);
});

function sample(line: string): string {
  return `import { expect, it } from 'vitest';\nit('passes', () => expect(1).toBe(1));\n${line}\n`;
}

function runSample(env: NodeJS.ProcessEnv) {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--root', folder, '--reporter=default', `--reporter=${REPORTER}`];
  return spawnSync(process.execPath, args, { env: { ...process.env, VITEST: '', ...env }, encoding: 'utf8' });
}
