import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findElectron, hasDisplay } from '../../../scripts/launch/find-electron.mjs';

let root = '';
beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'tunesmith-electron-'))));
afterEach(() => rmSync(root, { recursive: true }));

function program(...parts: string[]): string {
  const file = path.join(root, ...parts);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

it('finds the one that was named, then the package’s, then one on the PATH', () => {
  const [named, onPath] = [program('named', 'electron'), program('bin', 'electron')];
  const env = { PATH: path.join(root, 'bin') };
  expect(findElectron({ root, env: {} })).toBeNull();
  expect(findElectron({ root, env, platform: 'linux' })).toBe(onPath);
  const packaged = program('node_modules', 'electron', 'dist', 'electron');
  writeFileSync(path.join(root, 'node_modules', 'electron', 'path.txt'), 'electron');
  expect(findElectron({ root, env, platform: 'linux' })).toBe(packaged);
  expect(findElectron({ root, env: { ...env, ELECTRON_PATH: named } })).toBe(named);
});

it('takes nothing that is not there or cannot be started', () => {
  const plain = path.join(root, 'electron');
  writeFileSync(plain, '');
  expect(findElectron({ root, env: { ELECTRON_PATH: plain, PATH: path.join(root, 'none') } })).toBeNull();
});

it('knows where there is a display', () => {
  expect(hasDisplay({}, 'linux')).toBe(false);
  expect(hasDisplay({ DISPLAY: ':0' }, 'linux')).toBe(true);
  expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true);
  expect(hasDisplay({}, 'darwin')).toBe(true);
});
