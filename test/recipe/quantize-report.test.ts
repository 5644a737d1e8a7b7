/**
 * @file tunesmith quantize-report on the real engine: five storages from large to small, their figures in order, and the second time
 * without measuring.
 */
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recommendStorage, STORAGES, type StorageReport } from '../../src-shared/domain/quantize-report.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { type Line, REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);
let first: Line[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-quantize-report-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(20));
  // bf16, INT8 and NF4 are there with TensorFlow only.
  await tensorFlowPath();
  first = await report();
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(name: string, ...more: string[]): Promise<Line[]> {
  const args = [name, '--model', place('model'), '--data', place('rows.jsonl'), '--json', ...more];
  const end = await runCliToEnd(args, { home: place('home'), main: REAL_MAIN });
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  return end.lines();
}
const report = (...more: string[]) => command('quantize-report', ...more);
const storagesOf = (lines: readonly Line[]) =>
  lines.filter(({ event }) => event === 'storage') as unknown as StorageReport[];

describe('the first time', () => {
  it('measures every storage, from the largest to the smallest', () => {
    const storages = storagesOf(first);
    expect(storages.map(({ quantization }) => quantization)).toEqual(STORAGES);
    const bits = storages.map((storage) => Math.round(storage.bits_per_parameter * 1000) / 1000);
    expect(bits.slice(0, 2)).toEqual([32, 16]);
    expect(bits[3]).toBe(4.5);
    // The tiny matrices have one group of block maxima each, which costs more than the format's 4.127.
    expect(bits[4]).toBeGreaterThan(4.126);
    expect(bits[4]).toBeLessThan(4.5);
    const bytes = storages.map(({ weight_bytes }) => weight_bytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => b - a));
    const errors = storages.map(({ mean_error }) => mean_error);
    expect(errors[0]).toBe(0);
    expect(errors).toEqual([...errors].sort((a, b) => a - b));
  });

  it('gives every linear layer its own figures', () => {
    for (const { modules, max_error } of storagesOf(first)) {
      expect(modules).toHaveLength(14);
      expect(Math.max(...modules.map((module) => module.max_error))).toBe(max_error);
    }
  });

  it('has the loss that evaluate gives', async () => {
    for (const [index, method] of [
      [0, 'none'],
      [2, 'int8'],
    ] as const) {
      const evaluated = (await command('evaluate', '--quantization', method)).at(-1)!;
      expect(Math.abs(storagesOf(first)[index]!.eval_loss - Number(evaluated.eval_loss))).toBeLessThan(1e-6);
    }
  });

  it('ends with a recommendation and its reason', () => {
    expect(first.at(-1)).toMatchObject({ event: 'result', rows: 20, cached: false });
    expect(first.at(-1)!.recommendation).toEqual(recommendStorage(storagesOf(first)));
  });
});

describe('the second time', () => {
  it('shows what was measured', async () => {
    const second = await report();
    expect(second.at(-1)).toMatchObject({ event: 'result', cached: true, measured_at: first.at(-1)!.measured_at });
    expect(storagesOf(second)).toEqual(storagesOf(first));
  });

  it('measures again when asked to, and for other rows', async () => {
    expect((await report('--fresh')).at(-1)).toMatchObject({ cached: false });
    appendFileSync(place('rows.jsonl'), questionRows(1));
    expect((await report()).at(-1)).toMatchObject({ cached: false, rows: 21 });
  });
});

describe('what cannot be measured', () => {
  const ROW = '{"prompt": "hello", "completion": "world"}\n';
  const refused = async (data: string, more: readonly string[] = [], model = 'model') => {
    const kept = readdirSync(place('home/quantize-reports'));
    const args = ['quantize-report', '--model', place(model), '--data', place(data), '--json', ...more];
    const end = await runCliToEnd(args, { home: place('home'), main: REAL_MAIN });
    expect(end.code).toBe(2);
    const last = end.lines().at(-1)!;
    expect(last).toMatchObject({ event: 'error', kind: 'input' });
    expect(String(last.hint).length).toBeGreaterThan(0);
    // A report of bad rows must not be what is shown the next time.
    expect(readdirSync(place('home/quantize-reports'))).toEqual(kept);
    return JSON.stringify(last);
  };

  it.each([
    ['no rows', '', [/bad\.jsonl/, /empty/]],
    ['blank lines alone', '\n\n  \n', [/bad\.jsonl/]],
    ['broken rows', `${ROW}{"prompt": \n${ROW}nonsense\n`, [/"line":2/, /"line":4/]],
    ['other columns', '{"frage": "a", "antwort": "b"}\n', [/frage/, /antwort/]],
    ['rows without an answer', '{"input_ids": [1, 2], "labels": [-100, -100]}\n', [/supervised|trained/]],
    ['token ids outside the vocabulary', '{"input_ids": [1, 99999]}\n', [/99999/]],
  ])('%s', async (_what, content, patterns) => {
    writeFileSync(place('bad.jsonl'), content);
    const text = await refused('bad.jsonl');
    for (const pattern of patterns) expect(text).toMatch(pattern);
  });

  it('a missing file, a missing model', async () => {
    expect(await refused('no-such.jsonl')).toContain('no-such.jsonl');
    expect(await refused('rows.jsonl', [], 'no-such-model')).toContain('no-such-model');
  });

  it.each(['0', '-3', 'many', '1.5'])('%s rows', async (rows) => {
    expect(await refused('rows.jsonl', [`--rows=${rows}`])).toContain('--rows');
  });
});

describe('the recommendation', () => {
  const storages = (...losses: number[]) =>
    losses.map((eval_loss, index) => ({
      quantization: STORAGES[index]!,
      weight_bytes: 100 / (index + 1),
      eval_loss,
    }));
  it.each([
    ['the smallest where all are alike', [2, 2, 2, 2, 2], 4],
    ['not one that raises the loss by more than a hundredth', [2, 2, 2.01, 2.03, 2.05], 2],
    ['two hundredths where the loss is small', [0.5, 0.5, 0.5, 0.519, 0.53], 3],
    ['the plain weights where all others are worse', [1, 1.1, 1.2, 1.3, 1.4], 0],
  ])('%s', (_what, losses, chosen) => {
    expect(recommendStorage(storages(...losses)).quantization).toBe(STORAGES[chosen]);
  });
});
