/**
 * @file Runs whose steps fuse go on fused after they were cut off, and runs from before there was such a choice go on without, whatever
 * this machine would choose now: byte for byte what an uninterrupted run gives.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { REAL_MAIN, runCliToEnd, startCli } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

const STEPS = 24;
const SAVE_STEPS = 5;
let folder = '';
const place = (name: string) => path.join(folder, name);
/** @param execution what the person asks for by the environment variable; nothing where left out */
const options = (execution = '') => ({
  ...{ home: place('home'), main: REAL_MAIN },
  env: { TUNESMITH_EXECUTION: execution },
});

beforeAll(async () => {
  // Other engines fuse nothing.
  await tensorFlowPath();
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-fused-run-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
  for (const execution of ['fused', 'plain']) {
    const straight = await runCliToEnd(train(execution), options(execution));
    expect(straight.stderr).toBe('');
    expect(straight.code).toBe(0);
  }
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string): string[] {
  const settings = {
    ...{ max_steps: STEPS, save_steps: SAVE_STEPS, save_total_limit: 9, logging_steps: 1, seed: 7 },
    ...{ per_device_train_batch_size: 4, learning_rate: 0.01 },
  };
  return [
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place(output), '--json'],
    ...['--set', 'peft.lora_dropout=0.1', '--set', 'data.eval_fraction=0', '--set', 'data.packing=false'],
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `training.${name}=${value}`]),
  ];
}

const adapterOf = (run: string) => readFileSync(path.join(place(run), 'adapter', 'adapter_model.safetensors'));

interface Saved {
  readonly state: { readonly execution: { fused?: boolean } };
}
const stateFile = (run: string, step: number) => path.join(place(run), `checkpoint-${step}`, 'state.json');
const stateOf = (run: string, step: number) => JSON.parse(readFileSync(stateFile(run, step), 'utf8')) as Saved;
const executionOf = (run: string, step: number) => stateOf(run, step).state.execution;

it('one that fuses rounds otherwise than one that does not', () => {
  expect(executionOf('fused', SAVE_STEPS).fused).toBe(true);
  expect(executionOf('plain', SAVE_STEPS).fused).toBe(false);
  expect(adapterOf('fused').equals(adapterOf('plain'))).toBe(false);
});

it('killed and resumed, it goes on fused without being asked', async () => {
  const cli = startCli(train('killed'), { ...options('fused'), detached: true });
  await cli.waitFor('"step":6,');
  process.kill(-Number(cli.child.pid), 'SIGKILL');
  expect((await cli.end).code).toBeNull();
  const resumed = await runCliToEnd(['resume', place('killed'), '--json'], options('plain'));
  expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: STEPS });
  expect(executionOf('killed', 4 * SAVE_STEPS).fused).toBe(true);
  expect(adapterOf('killed').equals(adapterOf('fused'))).toBe(true);
}, 120_000);

it('from a checkpoint that knows of no such choice, a run goes on as it began', async () => {
  const straight = adapterOf('plain');
  const old = stateOf('plain', SAVE_STEPS);
  delete old.state.execution.fused;
  writeFileSync(stateFile('plain', SAVE_STEPS), JSON.stringify(old));
  const from = ['--checkpoint', String(SAVE_STEPS)];
  const resumed = await runCliToEnd(['resume', place('plain'), ...from, '--json'], options('fused'));
  expect(resumed.stderr).toBe('');
  expect(resumed.lines().filter(({ event }) => event === 'step')).toHaveLength(STEPS - SAVE_STEPS);
  expect(executionOf('plain', 4 * SAVE_STEPS).fused).toBe(false);
  expect(adapterOf('plain').equals(straight)).toBe(true);
}, 120_000);
