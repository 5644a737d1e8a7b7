import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import { effectiveEvents, readEvents, type TimedEvent } from '../../../src-main/jobs/event-log.ts';
import { readManifest } from '../../../src-main/jobs/run-folder.ts';
import { makeFolder, startFakeRun } from './support/start-fake.ts';

let folder = '';
let runDir = '';

beforeEach(() => {
  folder = makeFolder();
  runDir = path.join(folder, 'deep', 'run');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const adapterOf = (dir: string) => readFileSync(path.join(dir, 'adapter', 'adapter_model.safetensors'), 'utf8');
const stepsOf = (events: readonly TimedEvent[]) =>
  events.flatMap((event) => (event.event === 'step' ? [event.step] : []));

describe('a run that ends well', () => {
  it('leaves run.json, its events, the newest and best checkpoints and the adapter', async () => {
    const events: TimedEvent[] = [];
    const job = startFakeRun(runDir, { steps: 22, onEvent: (event) => events.push(event) });
    const result = await job.result;
    expect(result).toMatchObject({ steps: 22, adapter_dir: path.join(runDir, 'adapter') });
    expect(result.best_checkpoint).toBe(path.join(runDir, 'checkpoint-20'));
    expect(readdirSync(runDir).sort()).toEqual([
      'adapter',
      'checkpoint-15',
      'checkpoint-20',
      'events.jsonl',
      'run.json',
      'samples.jsonl',
    ]);
    expect(stepsOf(events)).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
    expect(readEvents(runDir)).toEqual(events);
    expect(events.at(-1)).toMatchObject({ event: 'result', run_dir: runDir });
    expect(await readManifest(runDir)).toMatchObject({ id: 'fake', resolved: true, config: { peft: { r: 8 } } });
    expect(job.peakMemoryBytes()).toBeGreaterThan(10e6);
  });

  it('is not overwritten by the same command', async () => {
    await startFakeRun(runDir).result;
    const before = adapterOf(runDir);
    await expect(startFakeRun(runDir, { steps: 3 }).result).rejects.toMatchObject({
      code: 'run/exists',
      kind: 'input',
      hint: expect.stringContaining(`tunesmith resume ${runDir}`),
    });
    expect(adapterOf(runDir)).toBe(before);
  });
});

describe('a run that never began leaves nothing', () => {
  it.each([
    ['bad-input', { code: 'data/empty', kind: 'input' }],
    ['too-large-checkpoint', { code: 'disk/no-space', kind: 'environment' }],
  ] as const)('%s', async (behaviour, error) => {
    await expect(startFakeRun(runDir, { behaviour }).result).rejects.toMatchObject(error);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps a folder that was there before', async () => {
    mkdirSync(runDir, { recursive: true });
    await expect(startFakeRun(runDir, { behaviour: 'bad-input' }).result).rejects.toMatchObject({ code: 'data/empty' });
    expect(readdirSync(runDir)).toEqual([]);
  });

  it('does not touch a folder with other files', async () => {
    mkdirSync(runDir, { recursive: true });
    writeFileSync(path.join(runDir, 'thesis.txt'), 'x');
    await expect(startFakeRun(runDir).result).rejects.toMatchObject({ code: 'run/folder-not-empty' });
    expect(readdirSync(runDir)).toEqual(['thesis.txt']);
  });

  it('says when the output cannot be a folder', async () => {
    writeFileSync(path.join(folder, 'deep'), 'a file');
    await expect(startFakeRun(runDir).result).rejects.toMatchObject({ code: 'file/not-a-folder', kind: 'input' });
    const nowhere = startFakeRun('/proc/tunesmith/run');
    await expect(nowhere.result).rejects.toMatchObject({ code: 'file/not-permitted', kind: 'input' });
  });
});

describe('a run that fails while it trains', () => {
  it.each([
    ['out-of-memory', 'memory/exhausted'],
    ['killed', 'job/killed'],
    ['disk-full', 'disk/full'],
  ] as const)('%s ends with %s', async (behaviour, code) => {
    await expect(startFakeRun(runDir, { behaviour }).result).rejects.toMatchObject({ code, kind: 'environment' });
    expect(stepsOf(readEvents(runDir))).toEqual([1, 2, 3]);
  });

  it('reports a bug with the stack of the job', async () => {
    const error = await startFakeRun(runDir, { behaviour: 'bug' }).result.catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ message: 'cannot read properties of undefined' });
    expect((error as Error).stack).toContain('fake-recipe.ts');
    expect(readEvents(runDir).at(-1)).toMatchObject({ event: 'error', code: 'internal/bug' });
  });

  it('reports a crash of native code with its signal', async () => {
    await expect(startFakeRun(runDir, { behaviour: 'abort' }).result).rejects.toThrow(/signal SIGABRT.*after step 3/);
  });
});

describe('stop and resume', () => {
  it('saves, ends with Interrupted, and gives in the end what an uninterrupted run gives', async () => {
    const straight = path.join(folder, 'straight');
    await startFakeRun(straight, { steps: 30 }).result;
    const job = startFakeRun(runDir, {
      steps: 30,
      stepMs: 10,
      onEvent: (event) => event.event === 'step' && event.step === 7 && job.stop(),
    });
    await expect(job.result).rejects.toBeInstanceOf(Interrupted);
    expect(existsSync(path.join(runDir, 'adapter'))).toBe(false);
    await startFakeRun(runDir, { steps: 30, resume: true }).result;
    expect(adapterOf(runDir)).toBe(adapterOf(straight));
    expect(stepsOf(effectiveEvents(readEvents(runDir)))).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('passes over a damaged checkpoint, says so, and still ends the same', async () => {
    const straight = path.join(folder, 'straight');
    await startFakeRun(straight, { steps: 20 }).result;
    await startFakeRun(runDir, { steps: 12 }).result;
    const damaged = path.join(runDir, 'checkpoint-10', 'adapter_model.safetensors');
    const intactSize = readFileSync(damaged).length;
    writeFileSync(damaged, 'x'.repeat(intactSize));
    const events: TimedEvent[] = [];
    await startFakeRun(runDir, { steps: 20, resume: true, onEvent: (event) => events.push(event) }).result;
    expect(events).toContainEqual(expect.objectContaining({ event: 'notice', code: 'checkpoint/damaged' }));
    expect(events).toContainEqual(expect.objectContaining({ event: 'start', start_step: 5 }));
    expect(adapterOf(runDir)).toBe(adapterOf(straight));
  });

  it('starts again, and says so, where no checkpoint was written yet', async () => {
    await expect(startFakeRun(runDir, { behaviour: 'killed' }).result).rejects.toMatchObject({ code: 'job/killed' });
    const events: TimedEvent[] = [];
    await startFakeRun(runDir, { resume: true, onEvent: (event) => events.push(event) }).result;
    expect(events).toContainEqual(expect.objectContaining({ event: 'notice', code: 'checkpoint/none' }));
    expect(stepsOf(effectiveEvents(readEvents(runDir)))).toHaveLength(10);
  });

  it('refuses a folder that is no run', async () => {
    mkdirSync(runDir, { recursive: true });
    await expect(startFakeRun(runDir, { resume: true }).result).rejects.toMatchObject({ code: 'run/not-a-run' });
  });

  it('refuses a second writer while the first one works', async () => {
    const started = Promise.withResolvers<void>();
    const job = startFakeRun(runDir, { steps: 1000, stepMs: 10, onEvent: () => started.resolve() });
    await started.promise;
    await expect(startFakeRun(runDir, { resume: true }).result).rejects.toMatchObject({ code: 'run/locked' });
    job.stop();
    await expect(job.result).rejects.toBeInstanceOf(Interrupted);
  });
});
