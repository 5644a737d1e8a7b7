/**
 * @file A run whose numbers blow up: it says so, nothing of it is called the best, and the history keeps it as it was.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);
const options = () => ({ home: place('home'), main: REAL_MAIN });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-divergence-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(48));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('ends with the reason and the way out, and is listed as failed', async () => {
  const settings = ['training.learning_rate=1e30', 'training.max_steps=40', 'training.eval_steps=3'];
  const train = ['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place('run'), '--json'];
  const end = await runCliToEnd([...train, ...settings.flatMap((setting) => ['--set', setting])], options());
  const lines = end.lines();
  expect(lines.at(-1)).toMatchObject({ event: 'error', code: 'train/diverged', hint: expect.stringContaining('rate') });
  expect(lines.some(({ event, loss }) => event === 'step' && loss === null)).toBe(true);
  const checks = lines.filter(({ event }) => event === 'eval');
  expect(checks.some(({ eval_loss }) => eval_loss === null)).toBe(true);
  expect(checks.filter(({ eval_loss, best }) => eval_loss === null && best)).toEqual([]);

  const shown = await runCliToEnd(['runs', 'show', place('run'), '--json'], options());
  expect(shown.lines().at(-1)).toMatchObject({ run: { state: 'failed', error_code: 'train/diverged' } });
  const figures = place('figures.csv');
  const exported = await runCliToEnd(['runs', 'export', place('run'), '--output', figures, '--json'], options());
  expect(exported.code).toBe(0);
  expect(readFileSync(figures, 'utf8')).toContain('Infinity');
}, 120_000);
