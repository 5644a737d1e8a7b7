import Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import { parseRunConfig, type RunConfig } from '../../../src-shared/schema/run-config.ts';
import { createServices, type Services } from '../../../src-main/services/create-services.ts';
import type { Notice } from '../../../src-main/services/notice.ts';
import { compareConfigs } from '../../../src-main/services/run-details.ts';
import type { ActiveRun } from '../../../src-main/services/run-follower.ts';
import type { Behaviour } from '../jobs/support/fake-recipe.ts';
import { FAKE_ENTRY, makeFolder } from '../jobs/support/start-fake.ts';

let home = '';
let services: Services;
let notices: Notice[] = [];

const open = () => {
  services = createServices({ home, jobEntry: FAKE_ENTRY, env: {}, onNotice: (notice) => notices.push(notice) });
};
const reopen = async () => {
  await services.close();
  open();
};

beforeEach(() => {
  home = makeFolder();
  notices = [];
  open();
});
afterEach(async () => {
  for (const run of services.runs.active()) run.kill();
  await Promise.allSettled(services.runs.active().map(({ result }) => result));
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

function config(behaviour: Behaviour, training: object = {}): RunConfig {
  return parseRunConfig({
    name: behaviour,
    model: { path: '/models/tiny' },
    data: { train: ['/data/rows.jsonl'] },
    peft: { r: 4 },
    training: { max_steps: 12, ...training },
  });
}

/** Starts a slow run and waits for its first step. */
async function startSlow(): Promise<ActiveRun> {
  const stepped = Promise.withResolvers<void>();
  const run = await services.runs.start({
    config: config('well', { max_steps: 5000, save_minutes: 10 }),
    onEvent: ({ event }) => event === 'step' && stepped.resolve(),
  });
  await stepped.promise;
  return run;
}

describe('a finished run', () => {
  it('is in the history with all that it told, resolved configuration included', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    const { run: record, metrics, checkpoints } = await services.runs.show(run.id.slice(0, 15));
    expect(record).toMatchObject({
      state: 'finished',
      dir: path.join(home, 'runs', run.id),
      model_name: 'tiny',
      method_summary: 'LoRA r=4 alpha=16, all-linear',
      data_summary: 'rows.jsonl',
      total_steps: 12,
      step: 12,
      supervised_tokens: 4,
      final_loss: metrics.at(-1)?.loss,
      adapter_dir: path.join(run.dir, 'adapter'),
      engine: 'fake',
    });
    expect(record.peak_memory_bytes).toBeGreaterThan(10e6);
    expect(JSON.parse(record.config_json)).toMatchObject({ training: { save_total_limit: 2 } });
    expect(metrics).toHaveLength(12);
    expect(checkpoints.map(({ step }) => step)).toEqual([10, 5]);
    expect((await services.library.metricsCsv(run.id)).split('\n')).toHaveLength(14);
  });

  it('goes on with more steps, and other settings are told apart', async () => {
    const first = await services.runs.start({ config: config('well') });
    await first.result;
    const second = await services.runs.resume(first.id, { settings: ['training.max_steps=20', 'peft.r=16'] });
    expect((await second.result).steps).toBe(20);
    const straight = await services.runs.start({ config: config('well', { max_steps: 20 }) });
    await straight.result;
    const adapters = [first, straight].map(({ dir }) =>
      readFileSync(path.join(dir, 'adapter', 'adapter_model.safetensors'), 'utf8'),
    );
    expect(adapters[0]).toBe(adapters[1]);
    const list = await services.runs.list();
    expect(list.map(({ id }) => id)).toEqual([straight.id, first.id]);
    expect(compareConfigs(list)).toEqual([{ path: 'peft.r', values: ['4', '16'] }]);
  });

  it('goes back to an earlier checkpoint, and what came later becomes a run of its own', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    const before = await services.runs.show(run.id);
    const events: string[] = [];
    const options = { settings: ['training.max_steps=8'], checkpoint: 5 };
    await (
      await services.runs.resume(run.id, { ...options, onEvent: ({ event }) => events.push(event) })
    ).result;
    const after = await services.runs.show(run.id);
    expect(after.metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(after.run).toMatchObject({ state: 'finished', step: 8, total_steps: 8 });
    expect(after.checkpoints.map(({ step }) => step)).toEqual([5]);
    const aside = (await services.runs.list()).find(({ id }) => id !== run.id);
    expect(aside).toMatchObject({ name: 'well (set aside at step 10)', state: 'finished', step: 12 });
    const kept = await services.runs.show(aside?.id ?? '');
    expect(kept.metrics).toEqual(before.metrics);
    expect(kept.checkpoints.map(({ step }) => step)).toEqual([10]);
    expect(kept.run.adapter_dir).toBe(path.join(kept.run.dir, 'adapter'));
    expect(existsSync(kept.run.adapter_dir ?? '')).toBe(true);
  });

  it('tells no figures of a past that it went back from', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    const slow = ['training.max_steps=5000', 'training.save_minutes=10'];
    const began = Promise.withResolvers<void>();
    const onEvent = ({ event }: { event: string }) => event === 'start' && began.resolve();
    const again = await services.runs.resume(run.id, { settings: slow, checkpoint: 5, onEvent });
    await began.promise;
    const { metrics, run: record } = await services.runs.show(run.id);
    expect(metrics.length).toBeLessThan(12);
    expect(record.final_loss).toBe(metrics.at(-1)?.loss);
    await expect.poll(async () => (await services.runs.show(run.id)).run.adapter_dir).toBeNull();
    again.kill();
    await again.result.catch(() => {});
  });

  it('can be renamed, tagged, noted and removed with its files and no others', async () => {
    const dir = path.join(home, 'mine');
    const run = await services.runs.start({ config: config('well'), outputDir: dir });
    await run.result;
    writeFileSync(path.join(dir, 'my-notes.txt'), 'keep me');
    await services.runs.rename(run.id, 'Better');
    await services.runs.annotate(dir, { notes: 'good', tags: ['a'] });
    expect((await services.runs.show(run.id)).run).toMatchObject({ name: 'Better', notes: 'good', tags: ['a'] });
    await services.runs.remove(run.id);
    expect(readdirSync(dir)).toEqual(['my-notes.txt']);
    expect(await services.runs.list()).toEqual([]);
  });
});

describe('a run whose figures are no numbers', () => {
  it('is recorded to its end, and read back from its folder', async () => {
    const run = await services.runs.start({ config: config('diverges') });
    await run.result;
    const told = await services.runs.show(run.id);
    expect(told.run).toMatchObject({ state: 'finished', step: 12, best_eval_loss: null });
    expect(told.metrics.map(({ loss }) => Number.isFinite(loss)).indexOf(false)).toBe(1);
    expect(told.evaluations[0]).toMatchObject({ eval_loss: Infinity, perplexity: Infinity, best: false });
    await services.close();
    rmSync(path.join(home, 'history.sqlite'));
    open();
    const again = await services.runs.show(run.id);
    expect(again.metrics).toEqual(told.metrics);
    expect(again.evaluations).toEqual(told.evaluations);
  });
});

describe('a history that cannot be written', () => {
  it('ends no run; what it missed is read from the folder', async () => {
    await services.runs.list();
    const other = new Database(path.join(home, 'history.sqlite'));
    other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'no room'); END`);
    const run = await services.runs.start({ config: config('well', { save_minutes: 30 }) });
    while (notices.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    other.exec('DROP TRIGGER refuse');
    other.close();
    await run.result;
    expect(notices.map(({ message }) => message)).toEqual([expect.stringContaining('no room')]);
    const { run: record, metrics } = await services.runs.show(run.id);
    expect(record).toMatchObject({ state: 'finished', step: 12, final_loss: metrics.at(-1)?.loss });
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('a run that does not finish', () => {
  it.each([
    ['paused', 'paused'],
    ['stopped', 'stopped'],
  ] as const)('is %s at the wish of the person and can be resumed', async (wish, state) => {
    const run = await startSlow();
    run.end(wish);
    await expect(run.result).rejects.toBeInstanceOf(Interrupted);
    expect((await services.runs.show(run.id)).run).toMatchObject({ state, error_code: null });
    const resumed = await services.runs.resume(run.dir, {
      settings: ['training.max_steps=300', 'training.save_minutes=0'],
    });
    await resumed.result;
    expect((await services.runs.show(run.id)).run).toMatchObject({ state: 'finished', step: 300 });
  });

  it.each([
    ['out-of-memory', 'memory/exhausted'],
    ['killed', 'job/killed'],
    ['bug', 'internal/bug'],
  ] as const)('is failed after %s, with the reason', async (behaviour, error_code) => {
    const run = await services.runs.start({ config: config(behaviour) });
    await expect(run.result).rejects.toThrow();
    expect((await services.runs.show(run.id)).run).toMatchObject({ state: 'failed', error_code, step: 3 });
  });

  it('leaves neither record nor folder when it never began', async () => {
    const run = await services.runs.start({ config: config('bad-input') });
    await expect(run.result).rejects.toMatchObject({ code: 'data/empty' });
    expect(await services.runs.list()).toEqual([]);
    expect(existsSync(run.dir)).toBe(false);
  });

  it('does not touch the record of another run in the same folder', async () => {
    const first = await services.runs.start({ config: config('well') });
    await first.result;
    const second = await services.runs.start({ config: config('bug'), outputDir: first.dir });
    await expect(second.result).rejects.toMatchObject({ code: 'run/exists' });
    expect(await services.runs.list()).toMatchObject([{ id: first.id, state: 'finished' }]);
  });

  it('keeps its record when a resume is refused', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    await expect(services.runs.resume(run.id, { settings: ['peft.r=0', 'peft.q=1'] })).rejects.toMatchObject({
      code: 'config/invalid',
      faults: [{ field: 'peft.r' }, { field: 'peft.q' }],
    });
    const refused = await services.runs.resume(run.id, { settings: ['name=bad-input'] });
    await expect(refused.result).rejects.toMatchObject({ code: 'data/empty' });
    expect((await services.runs.show(run.id)).run).toMatchObject({ state: 'finished', name: 'well' });
  });
});

describe('one training at a time', () => {
  it('throws, or waits and says so', async () => {
    const first = await startSlow();
    await expect(services.runs.start({ config: config('well') })).rejects.toMatchObject({ code: 'device/busy' });
    const waits: Notice[] = [];
    const waiting = services.runs.start({
      config: config('well'),
      onWait: (notice) => {
        waits.push(notice);
        first.end('stopped');
      },
    });
    await (
      await waiting
    ).result;
    expect(waits).toMatchObject([{ code: 'device/waiting' }]);
  });

  it('does not let a run be removed while it works', async () => {
    const run = await startSlow();
    await expect(services.runs.remove(run.id)).rejects.toMatchObject({ code: 'run/locked' });
  });
});

describe('what a crash leaves', () => {
  it('is read back and offered for resuming', async () => {
    const run = await startSlow();
    run.end('stopped');
    await run.result.catch(() => {});
    const db = await services.history.open();
    const { updateRun } = await import('../../../src-main/store/runs.ts');
    const { deleteFigures } = await import('../../../src-main/store/metrics.ts');
    const { step } = (await services.runs.show(run.id)).run;
    deleteFigures(db, run.id);
    updateRun(db, run.id, { state: 'running', step: 0, notes: 'kept' });
    await reopen();
    const { run: record, metrics } = await services.runs.show(run.id);
    expect(record).toMatchObject({ state: 'interrupted', step, notes: 'kept' });
    expect(metrics).toHaveLength(step);
    expect(notices).toMatchObject([{ code: 'run/interrupted', message: expect.stringContaining(`"${record.name}"`) }]);
  });

  it('marks a run whose folder is gone', async () => {
    const run = await startSlow();
    run.end('stopped');
    await run.result.catch(() => {});
    const { updateRun } = await import('../../../src-main/store/runs.ts');
    updateRun(await services.history.open(), run.id, { state: 'running' });
    renameSync(run.dir, `${run.dir}-away`);
    await reopen();
    expect(await services.runs.list()).toMatchObject([{ state: 'failed', error_code: 'run/folder-missing' }]);
  });
});

describe('a damaged history', () => {
  it('is made anew from the daily copy and the run folders', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    await services.runs.annotate(run.id, { notes: 'only in the copy' });
    const before = await services.runs.show(run.id);
    const copies = path.join(home, 'history-copies');
    rmSync(copies, { recursive: true });
    await reopen();
    await services.runs.list();
    await services.close();
    writeFileSync(path.join(home, 'history.sqlite'), 'x'.repeat(50_000));
    open();
    const after = await services.runs.show(run.id);
    expect(after.run).toEqual({ ...before.run, peak_memory_bytes: after.run.peak_memory_bytes });
    expect({ ...after, run: null }).toEqual({ ...before, run: null });
    expect(notices).toMatchObject([{ code: 'store/mended' }]);
  });

  it('without a copy is made from the folders alone', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    const before = await services.runs.show(run.id);
    await services.close();
    for (const name of readdirSync(home).filter((entry) => entry.startsWith('history'))) {
      rmSync(path.join(home, name), { recursive: true });
    }
    open();
    const after = await services.runs.show(run.id);
    expect({ ...after.run, peak_memory_bytes: 0 }).toEqual({ ...before.run, peak_memory_bytes: 0 });
    expect({ ...after, run: null }).toEqual({ ...before, run: null });
  });

  it('says what to do when the home cannot be written', async () => {
    writeFileSync(path.join(home, 'file'), '');
    const closed = createServices({ home: path.join(home, 'file', 'home'), jobEntry: FAKE_ENTRY });
    await expect(closed.runs.list()).rejects.toMatchObject({ code: 'home/not-writable', kind: 'environment' });
  });
});

describe('finding a run', () => {
  it('reads a folder that the history does not know', async () => {
    const run = await services.runs.start({ config: config('well') });
    await run.result;
    await services.close();
    home = makeFolder();
    open();
    expect((await services.runs.show(run.dir)).run).toMatchObject({ id: run.id, state: 'finished' });
  });

  it('says what it looked for', async () => {
    mkdirSync(path.join(home, 'runs'), { recursive: true });
    await expect(services.runs.show('nothing')).rejects.toMatchObject({ code: 'run/unknown' });
    await (
      await services.runs.start({ config: config('well') })
    ).result;
    await (
      await services.runs.start({ config: config('well') })
    ).result;
    await expect(services.runs.show('2')).rejects.toMatchObject({ code: 'run/ambiguous' });
  });
});
