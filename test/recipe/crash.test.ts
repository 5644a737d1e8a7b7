/**
 * @file Real runs on the real engine that are cut off: what comes out in the end is what an uninterrupted run gives, byte for byte.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REAL_MAIN, runCliToEnd, startCli } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

const STEPS = 24;
let folder = '';
const place = (name: string) => path.join(folder, name);
const options = () => ({ home: place('home'), main: REAL_MAIN });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-crash-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(64));
  const straight = await runCliToEnd(train('straight'), options());
  expect(straight.stderr).toBe('');
  expect(straight.code).toBe(0);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(output: string, changes: object = {}, data = 'rows.jsonl'): string[] {
  const settings = {
    max_steps: STEPS,
    save_steps: 5,
    per_device_train_batch_size: 4,
    learning_rate: 0.01,
    eval_steps: 6,
    logging_steps: 1,
    seed: 7,
    ...changes,
  };
  return [
    ...['train', '--model', place('model'), '--data', place(data), '--output', place(output), '--json'],
    ...['--set', 'peft.lora_dropout=0.1', '--set', 'data.eval_fraction=0.2', '--set', 'data.packing=false'],
    ...Object.entries(settings).flatMap(([name, value]) => ['--set', `training.${name}=${value}`]),
  ];
}

const adapter = (run: string) => readFileSync(path.join(place(run), 'adapter', 'adapter_model.safetensors'));

it.each([
  ['the process group', (pid: number) => process.kill(-pid, 'SIGKILL'), 8],
  ['the program alone', (pid: number) => process.kill(pid, 'SIGKILL'), 13],
  ['Ctrl-C', (pid: number) => process.kill(pid, 'SIGINT'), 11],
])(
  'killed by %s and resumed',
  async (what, kill, step) => {
    const run = what.replaceAll(' ', '-');
    const cli = startCli(train(run), { ...options(), detached: true });
    await cli.waitFor(`"step":${step},`);
    kill(Number(cli.child.pid));
    await cli.end;
    const resumed = await runCliToEnd(['resume', place(run), '--json'], options());
    expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: STEPS });
    expect(adapter(run).equals(adapter('straight'))).toBe(true);
  },
  300_000,
);

it('stopped by Ctrl-C between the batches of one long step, begins that step anew', async () => {
  writeFileSync(place('many.jsonl'), questionRows(900));
  const oneLongStep = { max_steps: 2, per_device_train_batch_size: 1, gradient_accumulation_steps: 350, eval_steps: 0 };
  const long = (output: string): string[] => train(output, oneLongStep, 'many.jsonl');
  expect((await runCliToEnd(long('long-straight'), options())).code).toBe(0);
  const cli = startCli(long('long-stopped'), { ...options(), detached: true });
  await cli.waitFor('"step":1,');
  process.kill(Number(cli.child.pid), 'SIGINT');
  const end = await cli.end;
  expect(end.code).toBe(130);
  const steps = end.lines().flatMap(({ event, step }) => (event === 'step' ? [step] : []));
  expect(steps).toEqual([1]);
  expect(readdirSync(place('long-stopped'))).toContain('checkpoint-1');
  expect((await runCliToEnd(['resume', place('long-stopped'), '--json'], options())).code).toBe(0);
  expect(adapter('long-stopped').equals(adapter('long-straight'))).toBe(true);
}, 300_000);
