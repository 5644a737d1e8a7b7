import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { arePackagesReady, isInstalled } from '../../../scripts/setup/node-packages.mjs';

const WANTED = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/for-other-platforms': { version: '2.0.0', optional: true },
  },
};

let root = '';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tunesmith-packages-'));
  mkdirSync(path.join(root, 'node_modules'));
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify(WANTED));
});

afterEach(() => rmSync(root, { recursive: true }));

it('accepts what npm installed, without the packages of other platforms', () => {
  expect(isInstalled(WANTED, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBe(true);
});

it.each([
  ['a missing package', {}],
  ['another version', { 'node_modules/a': { version: '1.0.1' } }],
  [
    'another version of an optional package',
    { 'node_modules/a': { version: '1.0.0' }, 'node_modules/for-other-platforms': { version: '1.9.0' } },
  ],
])('sees %s', (_name, packages) => {
  expect(isInstalled(WANTED, { packages })).toBe(false);
});

it('is not ready before npm has written its list', async () => {
  expect(await arePackagesReady(root)).toBe(false);
});

it('recognizes packages that somebody installed by hand, and remembers it', async () => {
  writeInstalled('1.0.0');
  expect(await arePackagesReady(root)).toBe(true);
  const hash = createHash('sha256').update(JSON.stringify(WANTED)).digest('hex');
  expect(readFileSync(path.join(root, 'node_modules', '.tunesmith-packages'), 'utf8')).toBe(hash);
});

it('is no longer ready when the lockfile changes', async () => {
  writeInstalled('1.0.0');
  await arePackagesReady(root);
  const changed = { packages: { ...WANTED.packages, 'node_modules/a': { version: '1.1.0' } } };
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify(changed));
  expect(await arePackagesReady(root)).toBe(false);
});

function writeInstalled(version: string): void {
  const list = { packages: { 'node_modules/a': { version } } };
  writeFileSync(path.join(root, 'node_modules', '.package-lock.json'), JSON.stringify(list));
}
