/**
 * @file The wasm engine by itself: what it refuses, and that nothing that a step made stays behind.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadWasmDevice } from '../../src-main/engine/device/wasm/wasm-device.ts';
import type { CheckpointStore, EngineHost, FineTuneOptions } from '../../src-main/engine/recipes/contract.ts';
import { fineTune } from '../../src-main/engine/recipes/fine-tune.ts';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-wasm-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(48));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('refuses what it has no numbers for, before anything is written', async () => {
  const output = place('refused');
  const end = await runCliToEnd(
    [
      ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', output],
      ...['--set', 'quantization.method=nf4', '--json'],
    ],
    { home: place('home-wasm'), main: REAL_MAIN, env: { TUNESMITH_ENGINE: 'wasm' } },
  );
  expect(end.code).toBe(3);
  expect(end.lines().at(-1)).toMatchObject({ event: 'error', code: 'engine/wasm-limit' });
  expect(() => readFileSync(output)).toThrow('ENOENT');
}, 60_000);

it('refuses steps beyond what it can address, before anything is loaded, and says which would do', async () => {
  const rows = 30_000;
  writeFileSync(place('many.jsonl'), questionRows(rows));
  const command = [
    ...['--model', place('model'), '--data', place('many.jsonl'), '--json', '--set', 'data.packing=false'],
    ...['--set', 'training.gradient_checkpointing=false', '--set', `training.per_device_train_batch_size=${rows}`],
  ];
  const options = { home: place('home-large'), main: REAL_MAIN, env: { TUNESMITH_ENGINE: 'wasm' } };
  const refused = await runCliToEnd(['train', ...command, '--output', place('large')], options);
  expect(refused.code).toBe(3);
  expect(refused.lines().at(-1)).toMatchObject({
    event: 'error',
    code: 'engine/wasm-limit',
    message: expect.stringContaining('it can address 4.3 GB'),
    hint: expect.stringContaining('--set training.per_device_train_batch_size='),
  });
  const estimated = await runCliToEnd(['estimate', ...command], options);
  expect(estimated.code).toBe(0);
  const plan = estimated.lines().at(-1);
  expect(plan).toMatchObject({
    limit: 'wasm',
    fits: false,
    proposal: { settings: { 'training.per_device_train_batch_size': expect.any(Number) } },
  });
  expect(plan?.peak_bytes).toBeGreaterThan(2 ** 32);
}, 120_000);

it('leaves nothing behind: step by step, and after a run', async () => {
  const device = await loadWasmDevice();
  const counts: number[] = [];
  const host: EngineHost = {
    bindingPath: null,
    now: () => performance.now(),
    signal: new AbortController().signal,
    report: ({ event }) => void (event === 'step' && counts.push(device.getNumOfTensors())),
  };
  const checkpoints: CheckpointStore = {
    requireSpace: async () => {},
    save: async ({ step, state, best }) => ({ step, dir: folder, files: [], state, best }),
    loadBest: async () => null,
    writeFinal: async () => folder,
  };
  const config = parseRunConfig({
    model: { path: place('model') },
    data: { train: [place('rows.jsonl')], eval_fraction: 0, shuffle: false, packing: false },
    peft: { lora_dropout: 0.1 },
    training: { max_steps: 40, per_device_train_batch_size: 48, save_minutes: 0 },
  });
  const options: FineTuneOptions = {
    ...{ host, config, checkpoints, runDir: folder, resume: null },
    setResolved: async () => {},
  };
  expect(device.getNumOfTensors()).toBe(0);
  await fineTune(options);
  expect(device.getNumOfTensors()).toBe(0);
  expect(counts).toHaveLength(40);
  expect(new Set(counts.slice(1)).size).toBe(1);
}, 120_000);
