/**
 * @file Finished runs that are given more epochs: they go on from where they were, exactly.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Line, REAL_MAIN, runCliToEnd, startCli } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

/** 48 rows in batches of 4. */
const STEPS_AN_EPOCH = 12;
let folder = '';
const place = (name: string) => path.join(folder, name);
const options = () => ({ home: place('home'), main: REAL_MAIN });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-continue-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(48));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string, schedule: string, epochs: number): string[] {
  const settings = {
    'data.eval_fraction': 0,
    'data.packing': false,
    'peft.lora_dropout': 0.1,
    'training.per_device_train_batch_size': 4,
    'training.learning_rate': 0.01,
    'training.lr_scheduler_type': schedule,
    'training.warmup_ratio': 0.1,
    'training.num_train_epochs': epochs,
  };
  return [
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place(output), '--json'],
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
  ];
}

const resume = (run: string, epochs: number) => [
  ...['resume', place(run), '--set', `training.num_train_epochs=${epochs}`, '--json'],
];

async function run(args: readonly string[]): Promise<Line[]> {
  const end = await runCliToEnd(args, options());
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  return end.lines();
}

const adapter = (name: string) => readFileSync(path.join(place(name), 'adapter', 'adapter_model.safetensors'));
const figures = (lines: readonly Line[], name: string) =>
  lines.filter(({ event }) => event === 'step').map((line) => Number(line[name]));

it('one epoch and two more give what three give at once, where the rate is constant', async () => {
  await run(train('three', 'constant', 3));
  await run(train('parts', 'constant', 1));
  const more = await run(resume('parts', 3));
  expect(figures(more, 'step')).toEqual(Array.from({ length: 2 * STEPS_AN_EPOCH }, (_, i) => STEPS_AN_EPOCH + 1 + i));
  expect(more.at(-1)).toMatchObject({ event: 'result', steps: 3 * STEPS_AN_EPOCH });
  expect(adapter('parts').equals(adapter('three'))).toBe(true);
}, 300_000);

it('a rate that had come to its end begins a new course, also where the new epochs are cut off', async () => {
  const first = await run(train('straight', 'cosine', 1));
  const more = await run(resume('straight', 2));
  expect(more.find(({ event }) => event === 'notice')).toMatchObject({ code: 'train/plan-changed' });
  expect(figures(more, 'learning_rate')).toEqual(figures(first, 'learning_rate'));

  await run(train('cut', 'cosine', 1));
  const cli = startCli([...resume('cut', 2), '--set', 'training.save_steps=1'], options());
  await cli.waitFor(`"step":${STEPS_AN_EPOCH + 5},`);
  cli.child.kill('SIGKILL');
  await cli.end;
  const rest = await run(['resume', place('cut'), '--json']);
  expect(rest.filter(({ code }) => code === 'train/plan-changed')).toEqual([]);
  expect(adapter('cut').equals(adapter('straight'))).toBe(true);
}, 300_000);

it('a finished run that is resumed without a change stays as it is', async () => {
  const before = adapter('three');
  const lines = await run(['resume', place('three'), '--json']);
  expect(figures(lines, 'step')).toEqual([]);
  expect(adapter('three').equals(before)).toBe(true);
}, 120_000);
