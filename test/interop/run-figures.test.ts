/**
 * @file Figures of a run as they leave it: TensorBoard reads every one that the run told, and so does a table reader.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Papa from 'papaparse';
import { beforeAll, expect, test } from 'vitest';
import { questionRows, writeTinyModel } from '../recipe/support/tiny-model.ts';
import { type CliEvent, expectCli } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const folder = makeWorkFolder('figures');
const place = (name: string) => path.join(folder, name);
let events: readonly CliEvent[] = [];

beforeAll(async () => {
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
  events = await expectCli([
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place('run')],
    ...['--set', 'training.max_steps=12', '--set', 'training.eval_steps=5', '--set', 'data.packing=false'],
  ]);
}, REFERENCE_TIMEOUT_MS);

const told = (event: string, field: string) =>
  events.filter((candidate) => candidate.event === event).map((found) => [Number(found.step), Number(found[field])]);

test(
  'TensorBoard reads the exported event file',
  async () => {
    await expectCli(['runs', 'export', place('run'), '--format', 'tensorboard', '--output', place('logs')]);
    const [scalars] = await runReference(folder, [{ op: 'read_tensorboard', folder: place('logs') }]);
    const read = (tag: string) => scalars?.[tag] as [step: number, time: number, value: number][];
    const figures = (tag: string) => read(tag).map(([step, , value]) => [step, value]);
    expect(told('step', 'loss')).toHaveLength(12);
    expect(told('eval', 'eval_loss')).toHaveLength(3);
    for (const name of ['loss', 'learning_rate', 'grad_norm', 'tokens_per_second', 'tokens', 'memory_bytes', 'epoch']) {
      // The format keeps 32-bit floats.
      expect(figures(`train/${name}`)).toEqual(told('step', name).map(([step, value]) => [step, Math.fround(value!)]));
    }
    for (const [tag, name] of [
      ['eval/loss', 'eval_loss'],
      ['eval/perplexity', 'perplexity'],
    ] as const) {
      expect(figures(tag)).toEqual(told('eval', name).map(([step, value]) => [step, Math.fround(value!)]));
    }
    const times = read('train/loss').map(([, time]) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  },
  REFERENCE_TIMEOUT_MS,
);

test('the table has every step', async () => {
  await expectCli(['runs', 'export', place('run'), '--output', place('figures.csv')]);
  const { data, errors } = Papa.parse<Record<string, string>>(readFileSync(place('figures.csv'), 'utf8'), {
    header: true,
    skipEmptyLines: true,
  });
  expect(errors).toEqual([]);
  expect(data.map(({ step, loss }) => [Number(step), Number(loss)])).toEqual(told('step', 'loss'));
  const evaluated = data.filter(({ eval_loss }) => eval_loss !== '');
  expect(evaluated.map(({ step, eval_loss }) => [Number(step), Number(eval_loss)])).toEqual(told('eval', 'eval_loss'));
});
