/**
 * @file Runs on 4-bit weights that are killed in the middle: resumed, they end with the bytes of an uninterrupted run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { REAL_MAIN, runCliToEnd, startCli } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

const STEPS = 16;
let folder = '';
const place = (name: string) => path.join(folder, name);
const options = (env: NodeJS.ProcessEnv = {}) => ({ home: place('home'), main: REAL_MAIN, env });

beforeAll(async () => {
  // Other engines hold no 4-bit weights.
  await tensorFlowPath();
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-crash-quantized-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(48));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string, settings: Readonly<Record<string, unknown>>): string[] {
  const all = {
    'quantization.method': 'nf4',
    'peft.lora_dropout': 0.1,
    'data.eval_fraction': 0.2,
    'data.packing': false,
    'training.max_steps': STEPS,
    'training.save_steps': 3,
    'training.eval_steps': 5,
    'training.per_device_train_batch_size': 4,
    'training.learning_rate': 0.01,
    ...settings,
  };
  return [
    ...['train', '--model', place('model'), '--data', place('rows.jsonl'), '--output', place(output), '--json'],
    ...Object.entries(all).flatMap(([name, value]) => ['--set', `${name}=${JSON.stringify(value)}`]),
  ];
}

const files = (run: string) =>
  ['adapter_model.safetensors', 'adapter_config.json'].map((name) =>
    readFileSync(path.join(place(run), 'adapter', name)),
  );

it.each([
  ['Quasi-LoRA', { 'peft.peft_type': 'QLORA', 'peft.scaling_vector_lr_ratio': 3 }, {}],
  [
    'Quasi-LoRA with checkpointing, added-up gradients and large scales',
    {
      'peft.peft_type': 'QLORA',
      'quantization.double_quant': false,
      'training.gradient_checkpointing': true,
      'training.gradient_accumulation_steps': 2,
    },
    {},
  ],
  [
    'LoRA computed beside its weights, resumed without the expanded copies',
    { 'peft.lora_dropout': 0 },
    { TUNESMITH_WEIGHT_CACHE_MB: '0' },
  ],
  ['DoRA, resumed without the expanded copies', { 'peft.use_dora': true }, { TUNESMITH_WEIGHT_CACHE_MB: '0' }],
])(
  '%s',
  async (what, settings, environment) => {
    const [straight, killed] = [`${what} straight`, `${what} killed`].map((name) => name.replaceAll(/\W+/g, '-'));
    const end = await runCliToEnd(train(straight!, settings), options());
    expect(end.stderr).toBe('');
    expect(end.code).toBe(0);
    const cli = startCli(train(killed!, settings), { ...options(), detached: true });
    await cli.waitFor('"step":8,');
    process.kill(-Number(cli.child.pid), 'SIGKILL');
    await cli.end;
    const resumed = await runCliToEnd(['resume', place(killed!), '--json'], options(environment));
    expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: STEPS });
    expect(Number(resumed.lines().find(({ event }) => event === 'start')!.start_step)).toBeGreaterThan(0);
    files(killed!).forEach((file, index) => expect(file.equals(files(straight!)[index]!)).toBe(true));
  },
  300_000,
);
