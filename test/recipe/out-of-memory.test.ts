/**
 * @file Runs that memory is too short for: what was reached is kept, and what is proposed goes with `resume`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../../src-main/engine/compile/program.ts';
import { chooseExecution, planMemory } from '../../src-main/engine/recipes/choose-execution.ts';
import type { CheckpointToSave, EngineHost, FineTuneOptions } from '../../src-main/engine/recipes/contract.ts';
import { openEngine } from '../../src-main/engine/recipes/open-engine.ts';
import { prepareRun } from '../../src-main/engine/recipes/prepare-run.ts';
import { planCourse } from '../../src-main/engine/recipes/rate-course.ts';
import { planSampler } from '../../src-main/engine/recipes/resume-run.ts';
import { startProgress } from '../../src-main/engine/recipes/run-progress.ts';
import { trainLoop } from '../../src-main/engine/recipes/train-loop.ts';
import { openTrainingSession } from '../../src-main/engine/recipes/training-session.ts';
import { adviseLess } from '../../src-main/jobs/run-folder.ts';
import { needLess } from '../../src-shared/domain/need-less.ts';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { type Line, REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let folder = '';
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-out-of-memory-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('memory that runs out while a run trains', () => {
  const open = async () => {
    const { signal } = new AbortController();
    const host: EngineHost = {
      bindingPath: await tensorFlowPath(),
      now: () => performance.now(),
      signal,
      report: () => undefined,
    };
    const config = parseRunConfig({
      model: { path: place('model') },
      data: { train: place('rows.jsonl'), eval_fraction: 0, max_length: 64, packing: false },
      training: { per_device_train_batch_size: 4, max_steps: 8 },
    });
    const run = await prepareRun({ host, config, resume: null }, null);
    const execution = chooseExecution(run, 'compiled', planMemory(run));
    const session = await openTrainingSession(run, await openEngine(host), execution, host, null);
    const progress = startProgress();
    planCourse(progress, run.totalSteps, 'linear');
    planSampler(progress, run.batchesPerEpoch);
    const saved: CheckpointToSave[] = [];
    const checkpoints = { save: async (checkpoint: CheckpointToSave) => void saved.push(checkpoint) };
    const options = { host, config, runDir: folder, checkpoints } as unknown as FineTuneOptions;
    return { run, session, progress, options, saved };
  };

  it.each([
    ['memory', 'OOM when allocating tensor with shape[4,64] and type float', [3]],
    ['anything else', 'Incompatible shapes: [4,64] vs. [4,65]', []],
  ])('ends it; what was reached is saved where it is %s', async (_what, message, steps) => {
    const { session, saved, ...loop } = await open();
    let calls = 0;
    const { program: real } = session;
    const program: Program = {
      mode: real.mode,
      fuses: real.fuses,
      setVariables: (...given) => real.setVariables(...given),
      readVariables: (group) => real.readVariables(group),
      dispose: () => real.dispose(),
      call: (...given) => {
        calls += 1;
        if (calls > 3) throw new Error(message);
        return real.call(...given);
      },
    };
    try {
      await expect(trainLoop({ ...loop, session: { ...session, program } })).rejects.toThrow(message);
      expect(saved.map(({ step }) => step)).toEqual(steps);
      expect(saved.flatMap(({ files }) => [...files.keys()]).includes('optimizer.safetensors')).toBe(steps.length > 0);
    } finally {
      session.dispose();
    }
  });
});

const set = (changes: Readonly<Record<string, string | number | boolean>>) =>
  Object.entries(changes).flatMap(([name, value]) => ['--set', `${name}=${value}`]);

describe('resuming with settings that need less', () => {
  const options = () => ({ home: place('home'), main: REAL_MAIN });
  const settings = {
    'data.eval_fraction': 0,
    'data.packing': false,
    'data.shuffle': false,
    'training.max_steps': 12,
    'training.save_steps': 6,
    'training.per_device_train_batch_size': 4,
    'training.gradient_checkpointing': false,
    'training.save_total_limit': 5,
  };
  const lossesOf = (lines: readonly Line[]) =>
    lines.filter(({ event }) => event === 'step').map(({ loss }) => Number(loss));
  const stateOf = (step: number) =>
    JSON.parse(readFileSync(path.join(place('run'), `checkpoint-${step}`, 'state.json'), 'utf8')) as {
      state: { execution: { checkpointing: boolean }; progress: { sampler: unknown; batches_per_epoch: number } };
    };

  it('takes the same rows in smaller batches, with checkpointing, to the same losses', async () => {
    const files = ['--model', place('model'), '--data', place('rows.jsonl'), '--output', place('run')];
    const straight = await runCliToEnd(['train', ...files, '--json', ...set(settings)], options());
    expect(straight.stderr).toBe('');
    expect(stateOf(6).state.execution.checkpointing).toBe(false);
    expect(stateOf(6).state.progress).toMatchObject({ sampler: { epoch: 0, batch: 6 }, batches_per_epoch: 10 });
    const less = {
      'training.per_device_train_batch_size': 1,
      'training.gradient_accumulation_steps': 4,
      'training.gradient_checkpointing': true,
    };
    const resumed = await runCliToEnd(['resume', place('run'), '--checkpoint', '6', '--json', ...set(less)], options());
    expect(resumed.stderr).toBe('');
    expect(resumed.lines()).toContainEqual(expect.objectContaining({ event: 'notice', code: 'train/epoch-changed' }));
    const wanted = lossesOf(straight.lines()).slice(6);
    const found = lossesOf(resumed.lines());
    expect(found).toHaveLength(wanted.length);
    for (const [index, loss] of found.entries()) expect(Math.abs(loss - wanted[index]!)).toBeLessThan(1e-4);
    expect(stateOf(12).state.execution.checkpointing).toBe(true);
    expect(stateOf(12).state.progress).toMatchObject({ sampler: { epoch: 1, batch: 8 }, batches_per_epoch: 40 });
  }, 180_000);

  it('comes to its end where an epoch has fewer batches than were done', async () => {
    const larger = { 'training.per_device_train_batch_size': 16, 'training.gradient_checkpointing': false };
    const resumed = await runCliToEnd(
      ['resume', place('run'), '--checkpoint', '6', '--json', ...set(larger)],
      options(),
    );
    expect(resumed.stderr).toBe('');
    expect(resumed.lines().at(-1)).toMatchObject({ event: 'result', steps: 12 });
  }, 180_000);
});

// No other system holds a process to this limit.
if (process.platform === 'linux') {
  describe('under `ulimit -d`', () => {
    const LIMIT_KIB = 2_500_000;
    // Threads have stacks, which count too.
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '2', TF_NUM_INTEROP_THREADS: '2' };
    const limited = (...args: string[]) => {
      const shell = ['-c', `ulimit -d ${LIMIT_KIB} && exec "$0" "$@"`, process.execPath, REAL_MAIN, ...args, '--json'];
      const end = spawnSync('bash', shell, { env: { ...env, TUNESMITH_HOME: place('home') }, encoding: 'utf8' });
      const lines = end.stdout.trim().split('\n');
      return { code: end.status, lines: lines.map((line) => JSON.parse(line) as Line), stderr: end.stderr };
    };

    it('a run says that memory ran out and what to change, and goes on with that', () => {
      const long = JSON.stringify({ input_ids: Array.from({ length: 200 }, (_, index) => 5 + (index % 20)) });
      writeFileSync(place('long.jsonl'), Array.from({ length: 1500 }, () => `${long}\n`).join(''));
      const sizes = { 'data.max_length': 200, 'data.packing': false, 'data.eval_fraction': 0, 'training.max_steps': 2 };
      const batch = { 'training.per_device_train_batch_size': 1500, 'training.gradient_checkpointing': false };
      const files = ['--model', place('model'), '--data', place('long.jsonl'), '--output', place('limited')];
      const first = limited('train', ...files, ...set({ ...sizes, ...batch }));
      expect(first.code).toBe(3);
      expect(first.lines).toContainEqual(expect.objectContaining({ event: 'notice', code: 'memory/tight' }));
      const error = first.lines.at(-1)!;
      expect(error).toMatchObject({ event: 'error', code: 'memory/exhausted' });
      expect(error.message).toMatch(/^Memory ran out \(training, before the first step\)$/);
      expect(existsSync(path.join(place('limited'), 'checkpoint-0', 'adapter_model.safetensors'))).toBe(true);
      const [, command = ''] = /tunesmith resume (.*)$/m.exec(String(error.hint)) ?? [];
      expect(command).toMatch(/--set training\.per_device_train_batch_size=\d+/);
      const resumed = limited('resume', ...command.split(' '), ...set({ 'training.max_steps': 1 }));
      expect(resumed.stderr).toBe('');
      expect(resumed.lines.at(-1)).toMatchObject({ event: 'result', steps: 1 });
    }, 300_000);
  });
}

describe('what is proposed where nobody could work it out', () => {
  const config = (settings: Readonly<Record<string, unknown>>) =>
    parseRunConfig({
      model: { path: 'm' },
      data: { train: 'rows.jsonl', max_length: 512 },
      ...settings,
    });
  it.each([
    [
      'a smaller batch, added up to the same step',
      { training: { per_device_train_batch_size: 6, gradient_accumulation_steps: 2 } },
      { 'training.per_device_train_batch_size': 3, 'training.gradient_accumulation_steps': 4 },
    ],
    ['checkpointing', { training: { per_device_train_batch_size: 1 } }, { 'training.gradient_checkpointing': true }],
    ['bf16', { training: { gradient_checkpointing: true } }, { 'quantization.method': 'bf16' }],
    [
      '4 bits',
      { training: { gradient_checkpointing: true }, quantization: { method: 'bf16' } },
      { 'quantization.method': 'nf4' },
    ],
    [
      'shorter rows',
      { training: { gradient_checkpointing: true }, quantization: { method: 'nf4' } },
      { 'data.max_length': 256 },
    ],
    [
      'shorter rows, where the weights are trained',
      { training: { gradient_checkpointing: true }, quantization: { method: 'bf16' }, peft: { peft_type: 'NONE' } },
      { 'data.max_length': 256 },
    ],
  ])('%s', (_what, settings, expected) => {
    expect(needLess(config(settings))).toEqual(expected);
  });

  it('names the run to go on with', () => {
    expect(adviseLess('/runs/a', { 'data.max_length': 64 })).toBe(
      'Need less: --set data.max_length=64\nGo on with: tunesmith resume /runs/a --set data.max_length=64',
    );
    expect(adviseLess(place('nowhere'), null)).toBeNull();
  });
});
