/**
 * @file Whole jobs on the wasm engine beside TensorFlow's: same losses, same answers, same logits, to 1e-3 (f32 in another order; at these
 * sizes they differ by some 1e-6).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

const STEPS = 12;
const TOLERANCE = 1e-3;
let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  await tensorFlowPath();
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
    ...[
      'train',
      '--model',
      place('model'),
      '--data',
      place('rows.jsonl'),
      '--output',
      place(`${name.replaceAll(' ', '-')}-${engine}`),
    ],
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
  {
    name: 'DoRA of the embedding, LoRA+',
    settings: {
      'peft.use_dora': true,
      'peft.target_modules': ['embed_tokens', 'q_proj'],
      'training.loraplus_lr_ratio': 4,
      'training.loraplus_lr_embedding': 1e-3,
    },
  },
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
