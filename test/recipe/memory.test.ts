/**
 * @file The memory of a run: estimated before, tried on the longest rows without leaving a trace, made to fit, told with the run.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ModelFacts } from '../../src-main/engine/models/model.ts';
import { chooseExecution, planMemory } from '../../src-main/engine/recipes/choose-execution.ts';
import type { EngineHost } from '../../src-main/engine/recipes/contract.ts';
import { dryRun } from '../../src-main/engine/recipes/dry-run.ts';
import { proposeFit } from '../../src-main/engine/recipes/fit-memory.ts';
import { explainMemory, warnOfMemory } from '../../src-main/engine/recipes/memory-messages.ts';
import { openEngine } from '../../src-main/engine/recipes/open-engine.ts';
import { type PreparedRun, prepareRun } from '../../src-main/engine/recipes/prepare-run.ts';
import { memoryOf } from '../../src-main/engine/recipes/run-memory.ts';
import { openTrainingSession } from '../../src-main/engine/recipes/training-session.ts';
import { type AppError } from '../../src-shared/domain/app-error.ts';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { REAL_MAIN, runCliToEnd } from '../unit/cli/support/run-cli.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';

let folder = '';
let host: EngineHost;
const place = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-memory-'));
  await writeTinyModel(place('model'));
  writeFileSync(place('rows.jsonl'), questionRows(40));
  const { signal } = new AbortController();
  host = { bindingPath: await tensorFlowPath(), now: () => performance.now(), signal, report: () => undefined };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function prepare(settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Promise<PreparedRun> {
  const config = parseRunConfig({
    model: { path: place('model') },
    data: { train: place('rows.jsonl'), eval_fraction: 0, max_length: 64, packing: false, ...settings['data'] },
    quantization: settings['quantization'] ?? {},
    peft: settings['peft'] ?? {},
    training: { per_device_train_batch_size: 8, max_steps: 4, ...settings['training'] },
  });
  return prepareRun({ host, config, resume: null }, null);
}

async function digestOf(files: ReadonlyMap<string, unknown>): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const [name, content] of files) {
    const hash = createHash('sha256');
    if (content instanceof Uint8Array || typeof content === 'string') hash.update(content);
    else for await (const chunk of content as AsyncIterable<Uint8Array>) hash.update(chunk);
    digests[name] = hash.digest('hex');
  }
  return digests;
}

describe('the trial on the longest rows', () => {
  it.each([
    ['LoRA', {}],
    ['accumulated gradients', { training: { gradient_accumulation_steps: 2 } }],
    [
      'packed rows, dropout, checkpointing',
      {
        data: { packing: true },
        peft: { lora_dropout: 0.1 },
        training: { gradient_checkpointing: true },
      },
    ],
    ['SGD with momentum on NF4', { quantization: { method: 'nf4' }, training: { optim: 'sgd', momentum: 0.9 } }],
    ['all weights', { peft: { peft_type: 'NONE' } }],
  ])('leaves no trace: %s', async (_what, settings) => {
    const run = await prepare(settings);
    const engine = await openEngine(host);
    const execution = chooseExecution(run, 'compiled', planMemory(run));
    const session = await openTrainingSession(run, engine, execution, host, null);
    try {
      const before = await digestOf(await session.files());
      expect(dryRun(session, run)).toBeGreaterThan(1e8);
      expect(await digestOf(await session.files())).toEqual(before);
      const sums = session.program.readVariables('sums');
      for (const values of sums.values()) expect(values.every((value) => value === 0)).toBe(true);
    } finally {
      session.dispose();
    }
  });
});

describe('making it fit', () => {
  const settingsFor = async (share: number, settings = {}) => {
    const run = await prepare(settings);
    await run.opened.folder.close();
    const memory = memoryOf(run);
    const peak = memory.estimate({ ...memory.settings, checkpointing: false }).peak_bytes;
    const least = memory.estimate({ ...memory.settings, checkpointing: true, per_device_train_batch_size: 1 });
    return proposeFit(memory, false, least.peak_bytes + (peak - least.peak_bytes) * share);
  };

  it('takes smaller batches first, added up to the same step', async () => {
    expect((await settingsFor(0.6))?.settings).toEqual({
      'training.per_device_train_batch_size': 4,
      'training.gradient_accumulation_steps': 2,
    });
  });

  it('then checkpointing too', async () => {
    expect((await settingsFor(0))?.settings).toMatchObject({
      'training.per_device_train_batch_size': 1,
      'training.gradient_accumulation_steps': 8,
      'training.gradient_checkpointing': true,
    });
  });

  it('then smaller weights, which trained ones cannot have', async () => {
    const run = await prepare();
    const whole = await prepare({ peft: { peft_type: 'NONE' } });
    for (const { opened } of [run, whole]) await opened.folder.close();
    expect(memoryOf(run).methods).toEqual(['none', 'bf16', 'int8', 'nf4']);
    expect(memoryOf(whole).methods).toEqual(['none', 'bf16']);
    const least = memoryOf(run).estimate({
      ...memoryOf(run).settings,
      per_device_train_batch_size: 1,
      checkpointing: true,
      method: 'bf16',
    });
    expect(proposeFit(memoryOf(run), false, least.peak_bytes)?.settings).toMatchObject({
      'quantization.method': 'bf16',
    });
  });

  it('reads fewer held-out rows at once where an evaluation is the peak', async () => {
    const training = { per_device_train_batch_size: 1, per_device_eval_batch_size: 20 };
    const run = await prepare({ data: { eval_fraction: 0.5 }, training });
    await run.opened.folder.close();
    const memory = memoryOf(run);
    const now = { ...memory.settings, checkpointing: false };
    const all = memory.estimate(now);
    expect(all.evaluation_bytes).toBeGreaterThan(all.activation_bytes);
    const least = memory.estimate({ ...now, per_device_eval_batch_size: 1 });
    expect(proposeFit(memory, false, least.peak_bytes)?.settings).toEqual({ 'training.per_device_eval_batch_size': 1 });
  });

  it('says so where nothing helps', async () => {
    const run = await prepare();
    await run.opened.folder.close();
    expect(proposeFit(memoryOf(run), false, 1e6)).toBeNull();
    const planned = { ...planMemory(run), fits: false, proposal: null };
    expect(warnOfMemory(planned, 0)?.message).toMatch(/No setting makes it fit/);
    expect(warnOfMemory({ ...planned, fits: true }, 0)).toBeNull();
  });
});

describe('answers between the steps', () => {
  it('are counted as they are read and written', async () => {
    const run = await prepare({ data: { eval_fraction: 0.5 } });
    await run.opened.folder.close();
    const asked = { examples: run.data.eval, template: null };
    const held = run.task.sizeOfSamples({ ...asked, prompts: [] });
    const [longest] = run.data.eval.map(({ inputIds }) => inputIds.length).sort((a, b) => b - a);
    expect(held).toMatchObject({ rows: 3, newTokens: 64 });
    expect(held.promptTokens).toBeGreaterThan(1);
    expect(held.promptTokens).toBeLessThan(longest!);
    const own = run.task.sizeOfSamples({ ...asked, prompts: ['hello', 'hello '.repeat(12)] });
    expect(own.rows).toBe(2);
    expect(own.promptTokens).toBeGreaterThan(held.promptTokens);
  });

  it('take memory beside the steps, and none where nothing is held out', async () => {
    const peaks = [];
    for (const eval_fraction of [0, 0.5]) {
      const run = await prepare({ data: { eval_fraction }, training: { per_device_eval_batch_size: 2 } });
      await run.opened.folder.close();
      peaks.push(planMemory(run));
    }
    const [none, some] = peaks as [(typeof peaks)[0], (typeof peaks)[0]];
    expect(none).toMatchObject({ evaluation_bytes: 0, answer_cache_bytes: 0 });
    expect(some.answer_cache_bytes).toBeGreaterThan(0);
    expect(some.runtime_bytes).toBeGreaterThan(none.runtime_bytes);
  });
});

describe('steps that fuse', () => {
  /** @param facts of the model, where they are not the tiny one's */
  const planWith = async (asked: string, facts: Partial<ModelFacts> = {}) => {
    vi.stubEnv('TUNESMITH_EXECUTION', asked);
    const run = await prepare();
    await run.opened.folder.close();
    const { model } = run.opened;
    const changed = { ...run, opened: { ...run.opened, model: { ...model, facts: { ...model.facts, ...facts } } } };
    const planned = planMemory(changed);
    return { planned, memory: memoryOf(changed), execution: chooseExecution(changed, 'compiled', planned) };
  };
  afterEach(() => void vi.unstubAllEnvs());

  it('are planned with as they will run', async () => {
    const fused = await planWith('fused');
    const plain = await planWith('plain');
    expect([fused.execution.fused, plain.execution.fused]).toEqual([true, false]);
    // Of a model as small as this the kernels take more than they save.
    expect(fused.planned.runtime_bytes).toBeGreaterThan(plain.planned.runtime_bytes);
    expect(fused.planned.activation_bytes).toBeLessThan(plain.planned.activation_bytes);
    expect(fused.planned.peak_bytes).toBeGreaterThan(plain.planned.peak_bytes);
  });

  it('are not relied on where another size of batch might not fuse and would take more', async () => {
    const large = { layers: 400, hiddenSize: 5760 };
    const fused = (await planWith('fused', large)).memory;
    const plain = (await planWith('plain', large)).memory;
    const now = { ...fused.settings, checkpointing: false };
    expect(fused.estimate(now).peak_bytes).toBeLessThan(plain.estimate(now).peak_bytes);
    for (const change of [{ per_device_train_batch_size: 7 }, { max_length: 63 }]) {
      const other = { ...now, ...change };
      expect(fused.estimate(other)).toEqual(plain.estimate(other));
    }
  });
});

describe('when memory runs out', () => {
  it('the step and what to change are named', async () => {
    const run = await prepare();
    await run.opened.folder.close();
    const cause = new Error('OOM when allocating tensor with shape[8,4,64,64]');
    const error = explainMemory(cause, run, planMemory(run), 12) as AppError;
    expect(error).toMatchObject({ code: 'memory/exhausted', kind: 'environment' });
    expect(error.message).toMatch(/after step 12/);
    expect(error.hint).toMatch(/--set .*tunesmith resume|Close other programs/s);
    const hopeless = { ...planMemory(run), fits: false, proposal: null };
    expect((explainMemory(cause, run, hopeless, 12) as AppError).hint).toMatch(/^Close other programs/);
    const other = new Error('something else');
    expect(explainMemory(other, run, planMemory(run), 12)).toBe(other);
  });
});

describe('tunesmith estimate and train', () => {
  const options = () => ({ home: place('home'), main: REAL_MAIN });
  const settings = ['--json', '--set', 'training.max_steps=2', '--set', 'data.eval_fraction=0'];

  it('tell the same peak, and what was measured', async () => {
    const files = ['--model', place('model'), '--data', place('rows.jsonl')];
    const estimated = await runCliToEnd(['estimate', ...files, ...settings], options());
    expect(estimated.stderr).toBe('');
    const estimate = estimated.lines().at(-1)!;
    expect(estimate).toMatchObject({
      event: 'result',
      fits: true,
      proposal: null,
      checkpointing: false,
      correction: 1,
    });
    const trained = await runCliToEnd(['train', ...files, '--output', place('run'), ...settings], options());
    const start = trained.lines().find(({ event }) => event === 'start')!;
    const predicted = Number(start.predicted_memory_bytes);
    expect(Math.abs(predicted / Number(estimate.peak_bytes) - 1)).toBeLessThan(0.01);
    const measured = Number(trained.lines().findLast(({ event }) => event === 'step')!.memory_bytes);
    expect(Number(start.dry_run_memory_bytes)).toBeLessThanOrEqual(measured);
    // A model of ten thousand parameters is all runtime.
    expect(predicted / measured).toBeGreaterThan(0.7);
    expect(predicted / measured).toBeLessThan(1.5);
  }, 120_000);
});

describe('tunesmith engine weight-cache', () => {
  const command = async (args: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
    const end = await runCliToEnd([...args, '--json'], { home: place('cache-home'), main: REAL_MAIN, env });
    return { code: end.code, last: end.lines().at(-1)! };
  };
  const setTo = (...wanted: string[]) => command(['engine', 'weight-cache', ...wanted]);
  const copiesOf = async (env?: NodeJS.ProcessEnv) => {
    const files = ['--model', place('model'), '--data', place('rows.jsonl')];
    const { last } = await command(['estimate', ...files, '--set', 'quantization.method=nf4'], env);
    return Number(last.cache_bytes);
  };

  it('sets what copies of quantized weights may take; runs keep to it', async () => {
    const usual = await setTo();
    expect(usual.last).toMatchObject({ event: 'result', weight_cache_mb: null, source: 'free' });
    expect(Number(usual.last.bytes)).toBeGreaterThan(0);
    expect(await copiesOf()).toBeGreaterThan(0);
    expect((await setTo('0')).last).toMatchObject({ weight_cache_mb: 0, bytes: 0, source: 'setting' });
    expect(await copiesOf()).toBe(0);
    const environment = { ...process.env, TUNESMITH_WEIGHT_CACHE_MB: '100' };
    expect(await copiesOf(environment)).toBeGreaterThan(0);
    const told = await command(['engine', 'weight-cache'], environment);
    expect(told.last).toMatchObject({ weight_cache_mb: 0, bytes: 1e8, source: 'environment' });
    expect((await setTo('auto')).last).toMatchObject({ weight_cache_mb: null, source: 'free' });
  }, 180_000);

  it.each(['much', '-1', '1.5'])('refuses %s', async (wanted) => {
    const end = await runCliToEnd(['engine', 'weight-cache', '--json', '--', wanted], {
      home: place('cache-home'),
      main: REAL_MAIN,
    });
    const last = end.lines().at(-1)!;
    expect(end.code).toBe(2);
    expect(last).toMatchObject({ event: 'error', code: 'settings/invalid' });
    expect(String(last.message)).toContain('weight_cache_mb');
  });
});
