/**
 * @file Whole jobs on the wasm engine beside TensorFlow's: same losses, same answers, same logits, to 1e-3 (f32 in another order; at these
 * sizes they differ by some 1e-6). And nothing that a step made stays behind.
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

const STEPS = 12;
const TOLERANCE = 1e-3;
let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-wasm-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(48));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Engine = 'wasm' | 'cpu';

async function run(engine: Engine, args: readonly string[]) {
  const env = { TUNESMITH_ENGINE: engine };
  const end = await runCliToEnd([...args, '--json'], { home: place(`home-${engine}`), main: REAL_MAIN, env });
  expect(end.stderr).toBe('');
  expect(end.code).toBe(0);
  return end.lines();
}

function train(engine: Engine, name: string, settings: Readonly<Record<string, unknown>>): Promise<readonly Line[]> {
  const all = { 'training.max_steps': STEPS, 'training.per_device_train_batch_size': 4, ...settings };
  return run(engine, [
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place(`${name}-${engine}`)],
    ...Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]),
  ]);
}

type Line = Awaited<ReturnType<typeof run>>[number];
const figures = (lines: readonly Line[], event: string, name: string) =>
  lines.filter((line) => line.event === event).map((line) => Number(line[name]));

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  const differences = wanted.map((value, index) => Math.abs(value - found[index]!));
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
}

const RUNS = [
  { name: 'LoRA', settings: { 'peft.lora_dropout': 0.1, 'training.eval_steps': 4 } },
  { name: 'DoRA', settings: { 'peft.use_dora': true, 'data.packing': false } },
  { name: 'Quasi-LoRA', settings: { 'peft.peft_type': 'QLORA', 'training.gradient_accumulation_steps': 2 } },
  { name: 'whole', settings: { 'peft.peft_type': 'NONE', 'training.gradient_checkpointing': true } },
  { name: 'adafactor', settings: { 'training.optim': 'adafactor', 'peft.modules_to_save': ['embed_tokens'] } },
];

it.each(RUNS)(
  'trains as TensorFlow does: $name',
  async ({ name, settings }) => {
    const [wasm, tensorflow] = [await train('wasm', name, settings), await train('cpu', name, settings)];
    expect(wasm.find(({ event }) => event === 'start')).toMatchObject({ engine: 'wasm, CPU' });
    expect(figures(tensorflow, 'step', 'loss')).toHaveLength(STEPS);
    expectClose(figures(wasm, 'step', 'loss'), figures(tensorflow, 'step', 'loss'));
    expectClose(figures(wasm, 'eval', 'eval_loss'), figures(tensorflow, 'eval', 'eval_loss'));
  },
  300_000,
);

it('evaluates, writes and gives logits as TensorFlow does', async () => {
  const adapter = path.join(place('LoRA-cpu'), 'adapter');
  const where = ['--model', place('model'), '--adapter', adapter];
  const both = async (args: readonly string[]) => [await run('wasm', args), await run('cpu', args)] as const;
  const evaluated = await both(['evaluate', ...where, '--data', place('rows.jsonl')]);
  expectClose(...(evaluated.map((lines) => figures(lines, 'result', 'eval_loss')) as [number[], number[]]));
  const written = await both(['generate', ...where, '--prompt', 'hello 3', '--max-new-tokens', '12']);
  expect(written[0].at(-1)!.text).toBe(written[1].at(-1)!.text);
  const logits: number[][] = [];
  for (const engine of ['wasm', 'cpu'] as const) {
    const out = place(`${engine}.safetensors`);
    await run(engine, ['logits', ...where, '--tokens', '5,6,7,8,9', '--out', out]);
    const bytes = readFileSync(out);
    logits.push([...new Float32Array(new Uint8Array(bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)))).buffer)]);
  }
  expectClose(logits[0]!, logits[1]!);
}, 300_000);

it('goes on with a run that TensorFlow began', async () => {
  await train('cpu', 'moved', { 'training.save_steps': 6, 'training.max_steps': 6 });
  const lines = await run('wasm', ['resume', place('moved-cpu'), '--set', 'training.max_steps=9']);
  const notices = lines.filter(({ event }) => event === 'notice').map(({ code }) => code);
  expect(notices).toEqual(['engine/changed', 'train/plan-changed']);
  expect(figures(lines, 'step', 'step')).toEqual([7, 8, 9]);
}, 300_000);

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
