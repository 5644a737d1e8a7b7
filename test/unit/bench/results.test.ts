/**
 * @file Results on disk: a part takes the place of what was measured before and leaves the others alone; both files are formatted.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { check } from 'prettier';
import { expect, it, onTestFinished } from 'vitest';
import type { MachineFacts } from '../../bench/machine.ts';
import { PART_NAMES } from '../../bench/options.ts';
import { type Entry, keepEntry, placeOf, type Texts } from '../../bench/results.ts';
import { formatTable } from '../../bench/table.ts';

const MACHINE: MachineFacts = {
  cpu: 'A processor',
  cores: 2,
  threads: 2,
  flags: ['avx2'],
  memoryBytes: 24e9,
  kernel: '6.1',
  node: 'v24',
  commit: 'abc',
  date: '2026-11-26T12:00:00Z',
  quiet: true,
};

const TEXTS = Object.fromEntries(
  PART_NAMES.map((name) => {
    const formatFigures = (figures: unknown): string => formatTable(['', 'speed'], [['ours', String(figures)]]);
    return [name, { title: `Part ${name}`, method: 'Measured.', formatFigures }];
  }),
) as unknown as Texts;

const entry = (figures: number): Entry<number> => ({ machine: MACHINE, figures });

it('keeps each workload as it was last measured', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-results-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const keep = (part: 'training' | 'decode', key: string, figures: number) =>
    keepEntry(part, key, entry(figures), TEXTS, folder);
  await keep('decode', '135M', 11);
  await keep('training', '135M, 4x256', 22);
  await keep('training', '135M, 16x64', 33);
  await keep('training', '135M, 4x256', 44);
  const [json, text] = ['results.json', 'RESULTS.md'].map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const kept = JSON.parse(json!) as Record<string, Record<string, Entry<number>>>;
  expect(kept['training']!['135M, 4x256']!.figures).toBe(44);
  expect(kept['training']!['135M, 16x64']!.figures).toBe(33);
  expect(kept['decode']!['135M']!.figures).toBe(11);
  const headings = text!.split('\n').filter((line) => line.startsWith('#'));
  expect(headings).toEqual([
    '# Bench results',
    '## Part training',
    '### 135M, 4x256',
    '### 135M, 16x64',
    '## Part decode',
    '### 135M',
  ]);
  expect(text).toContain('2026-11-26, commit abc: A processor, 2 of 2 cores (avx2), 24 GB, Linux 6.1, Node v24.');
  expect(text).not.toContain('22');
  expect(await check(text!, { parser: 'markdown', printWidth: 120 })).toBe(true);
  expect(await check(json!, { parser: 'json', printWidth: 120 })).toBe(true);
});

it('gives each machine a place of its own', () => {
  const xeon = { cpu: 'Intel(R) Xeon(R) Processor' };
  expect(placeOf('135M, 4x256', xeon)).toBe('135M, 4x256, Intel Xeon');
  expect(placeOf('135M', { ...xeon, card: 'NVIDIA H100 80GB HBM3, driver 580' })).toBe('135M, NVIDIA H100 80GB HBM3');
});
