/**
 * @file Free memory of a graphics card, as its driver tells it, and only where the runtime is the one for CUDA.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readCardMemory } from '../../../../src-main/engine/device/card-memory.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'card-memory-'));
const bindingPath = path.join(folder, 'tfjs_binding.node');
const installed = (kind: string) => writeFileSync(path.join(folder, 'runtime.json'), JSON.stringify({ kind }));
afterAll(() => rmSync(folder, { recursive: true }));

test('reads what the driver says of the first card', () => {
  installed('cuda');
  const asked: (readonly string[])[] = [];
  const ask = (args: readonly string[]) => {
    asked.push(args);
    return '79000\n';
  };
  expect(readCardMemory(bindingPath, ask)).toBe(79_000 * 2 ** 20);
  expect(asked[0]).toContain('--id=0');
});

test.each([
  ['no driver', 'cuda', null],
  ['a driver that knows no figure', 'cuda', '[N/A]\n'],
  ['the runtime for the processor', 'cpu', '79000\n'],
])('is null with %s', (_, kind, answer) => {
  installed(kind);
  expect(readCardMemory(bindingPath, () => answer)).toBeNull();
});

test('is null without TensorFlow', () => {
  expect(readCardMemory(null, () => '79000\n')).toBeNull();
});
