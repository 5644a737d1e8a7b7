/**
 * @file What the window relies on, the same over the WebSocket and over Electron's IPC.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { coreMethods, type CoreMethodName } from '../../src-shared/contract/contract.ts';
import type { Client } from '../../src-shared/contract/client.ts';
import type { PushEvents, PushName } from '../../src-shared/contract/events.ts';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { makeFolder } from '../unit/jobs/support/start-fake.ts';
import { writeTinyModel } from '../recipe/support/tiny-model.ts';
import { fakeConfig, openBrowser, type OpenContract, openDesktop, until } from './support/open-contract.ts';

const TRANSPORTS: [string, (home: string) => Promise<OpenContract>][] = [
  ['WebSocket', (home) => openBrowser(home, { graceMs: 300 })],
  ['IPC', (home) => openDesktop(home)],
];

describe.each(TRANSPORTS)('over %s', (_name, open) => {
  let home = '';
  let contract: OpenContract;
  let client: Client;

  beforeEach(async () => {
    home = makeFolder();
    contract = await open(home);
    client = contract.client;
  });
  afterEach(async () => {
    await contract.close();
    rmSync(home, { recursive: true, force: true });
  });

  const stateOf = async (run: string) => (await client.call('runs:get', { run })).run.state;
  const untilState = (run: string, state: string) => until(async () => (await stateOf(run)) === state || null);
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error as AppError,
    );
  const collect = <Name extends PushName>(name: Name) => {
    const told: PushEvents[Name][] = [];
    client.on(name, (payload) => told.push(payload));
    return told;
  };

  it('greets, and answers', async () => {
    expect(await client.ready).toMatchObject({ type: 'hello', version: '0.0.0-test', home });
    expect(client.status()).toBe('ready');
    expect(await client.call('settings:get', {})).toMatchObject({ theme: 'system', queue_runs: true });
  });

  it('checks the arguments of every method, and names the fields', async () => {
    for (const name of Object.keys(coreMethods) as CoreMethodName[]) {
      const error = await failure(client.call(name, { nonsense: 1 } as never));
      expect(error, name).toMatchObject({ code: 'contract/bad-arguments' });
    }
    const error = await failure(client.call('runs:rename', { run: 'a/b', name: '' }));
    expect(error?.faults.map(({ field }) => field)).toEqual(['run', 'name']);
    expect(await failure(client.call('no:method' as never, {} as never))).toMatchObject({
      code: 'contract/unknown-method',
    });
  });

  it('hands on an AppError with code, hint and faults', async () => {
    const error = await failure(client.call('config:validate', { config: { peft: { r: -1 }, speed: 3 } }));
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'config/invalid', kind: 'input', hint: expect.stringMatching(/./) });
    expect(error?.faults.map(({ field }) => field)).toEqual(expect.arrayContaining(['model', 'peft.r', 'speed']));
  });

  it('refuses files that nobody chose', async () => {
    const config = { ...fakeConfig(home, 'well'), data: { train: ['/etc/passwd'] } };
    const refused = [
      () => client.call('runs:start', { config }),
      () => client.call('queue:add', { config }),
      () => client.call('data:inspect', { train: ['/etc/passwd'] }),
      () => client.call('models:describe', { path: '/etc' }),
      () => client.call('files:listFolder', { path: '/etc' }),
      () => client.call('chat:open', { model: path.join(home, '..', 'elsewhere') }),
    ];
    for (const call of refused) expect(await failure(call())).toMatchObject({ code: 'path/refused' });
  });

  it('tells every event of a run in its order, and keeps its whole history of figures', async () => {
    const told = collect('run:eventsReported');
    const changed = collect('run:changed');
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'well', { max_steps: 300 }) });
    await untilState(run, 'finished');
    await until(() => changed.some(({ state }) => state === 'finished') || null);
    const events = told.filter((batch) => batch.run === run).flatMap((batch) => batch.events);
    const steps = events.flatMap((event) => (event.event === 'step' ? event.step : []));
    expect(steps).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(events.at(-1)?.event).toBe('result');
    expect(told.length).toBeLessThan(150);
    const first = await client.call('runs:getMetrics', { run, limit: 200 });
    const second = await client.call('runs:getMetrics', { run, after_step: first.next ?? 0, limit: 200 });
    expect([...first.columns.step, ...second.columns.step]).toEqual(steps);
    expect(second.next).toBeNull();
    const page = await client.call('runs:list', { search: 'well' });
    expect(page).toMatchObject({ total: 1, runs: [{ id: run, state: 'finished' }] });
    expect(page.runs[0]?.sparkline).toHaveLength(32);
  });

  it('pauses, resumes and finishes; shows what is at work', async () => {
    const slow = { max_steps: 400, save_minutes: 5 };
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'well', slow) });
    await until(async () => (await client.call('runs:listActive', {})).some((active) => active.step > 3) || null);
    expect(await failure(client.call('runs:start', { config: fakeConfig(home, 'well') }))).toMatchObject({
      code: 'device/busy',
    });
    expect(await failure(client.call('runs:trash', { runs: [run] }))).toMatchObject({ code: 'run/locked' });
    await client.call('runs:pause', { run });
    expect(await client.call('runs:get', { run })).toMatchObject({ run: { state: 'paused' }, can_resume: true });
    expect(await client.call('runs:listActive', {})).toEqual([]);
    await client.call('runs:resume', { run, settings: ['training.save_minutes=0'] });
    await untilState(run, 'finished');
    const { columns } = await client.call('runs:getMetrics', { run });
    expect(columns.step).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    await client.call('runs:addEpochs', { run, epochs: 1 });
    await until(async () => ((await client.call('runs:get', { run })).run.total_steps ?? 0) > 400 || null);
    await untilState(run, 'finished');
  });

  it('goes back to a checkpoint, and shows what came later as a run of its own', async () => {
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'well') });
    await untilState(run, 'finished');
    const changed = collect('run:changed');
    expect(await client.call('runs:resume', { run, checkpoint: 5, settings: ['training.max_steps=7'] })).toEqual({
      run,
    });
    await until(async () => (await client.call('runs:get', { run })).run.total_steps === 7 || null);
    await untilState(run, 'finished');
    expect((await client.call('runs:getMetrics', { run })).columns.step).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const aside = await until(() => changed.find(({ name }) => name.includes('set aside at step 10')) ?? null);
    expect(await client.call('runs:get', { run: aside.id })).toMatchObject({
      run: { state: 'finished', step: 12 },
      checkpoints: [{ step: 10 }],
      can_resume: true,
    });
  });

  it('moves runs to the trash and back, measures and deletes them', async () => {
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'well') });
    await untilState(run, 'finished');
    await client.call('runs:setTags', { run, tags: ['first'] });
    await client.call('runs:setNotes', { run, notes: 'as expected' });
    await client.call('runs:rename', { run, name: 'My first' });
    expect(await failure(client.call('runs:delete', { runs: [run] }))).toMatchObject({ code: 'run/not-in-trash' });
    await client.call('runs:trash', { runs: [run] });
    expect((await client.call('runs:list', {})).total).toBe(0);
    await client.call('runs:restore', { runs: [run] });
    expect((await client.call('runs:list', { tags: ['first'] })).runs).toMatchObject([{ name: 'My first' }]);
    expect((await client.call('runs:measure', { runs: [run] })).size_bytes).toBeGreaterThan(100);
    await client.call('runs:trash', { runs: [run] });
    await client.call('runs:delete', { runs: [run] });
    expect((await client.call('runs:list', { trash: true })).total).toBe(0);
  });

  it('runs the queue in its order, holds it, and compares what came of it', async () => {
    await client.call('queue:hold', {});
    for (const [name, r] of [
      ['A', 2],
      ['B', 4],
    ] as const) {
      const config = fakeConfig(home, 'well');
      await client.call('queue:add', { config: { ...config, name: undefined, peft: { r }, labels: [name] } });
    }
    const waiting = await client.call('queue:get', {});
    expect(waiting).toMatchObject({ runs: false, items: [{ state: 'waiting' }, { state: 'waiting' }] });
    const ids = waiting.items.map(({ id }) => id).reverse();
    expect((await client.call('queue:reorder', { items: ids })).items.map(({ id }) => id)).toEqual(ids);
    const told = collect('queue:changed');
    await client.call('queue:release', {});
    const done = await until(async () => {
      const view = await client.call('queue:get', {});
      return view.items.every(({ state }) => state === 'finished') ? view : null;
    });
    expect(told.length).toBeGreaterThan(2);
    const [second, first] = done.items.map(({ run_id }) => run_id ?? '');
    const { differences, runs } = await client.call('runs:compare', { runs: [first ?? '', second ?? ''] });
    expect(runs.map(({ id }) => id)).toEqual([first, second]);
    expect(differences).toContainEqual({ path: 'peft.r', values: ['2', '4'] });
  });

  it('measures what a run takes; refuses while one trains, and gives way to one that starts', async () => {
    const measured = await client.follow(await client.call('config:dryRun', { config: fakeConfig(home, 'well') }));
    expect(measured).toMatchObject({ peak_memory_bytes: 11e6, plan: { total_steps: 12 } });
    const slow = fakeConfig(home, 'well', { save_minutes: 60_000 });
    const working = await client.call('config:dryRun', { config: slow });
    const follows = failure(client.follow(working));
    const training = fakeConfig(home, 'well', { max_steps: 400, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    expect(await client.call('tasks:get', { task: working.task })).toMatchObject({ state: 'cancelled' });
    await follows;
    const refused = await client.call('config:dryRun', { config: slow });
    expect(await failure(client.follow(refused))).toMatchObject({ code: 'device/busy' });
    await client.call('runs:stop', { run });
    const elsewhere = { ...slow, model: { path: path.join(home, '..', 'elsewhere') } };
    expect(await failure(client.call('config:dryRun', { config: elsewhere }))).toMatchObject({ code: 'path/refused' });
  });

  it('pauses a training for the time of a measurement, where that was asked for', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    const config = fakeConfig(home, 'well', { save_minutes: 400 });
    const started = await client.call('config:dryRun', { config, pause_running: true });
    await untilState(run, 'paused');
    expect(await client.follow(started)).toMatchObject({ peak_memory_bytes: 11e6 });
    await untilState(run, 'running');
    await untilState(run, 'finished');
    const { columns } = await client.call('runs:getMetrics', { run });
    expect(columns.step).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  });

  it('pauses a training for chats, and lets it go on when the last of them is closed', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    const model = path.join(home, 'models', 'tiny');
    const chats = await Promise.all([1, 2].map(() => client.call('chat:open', { model, pause_running: true })));
    expect(await stateOf(run)).toBe('paused');
    await client.call('chat:close', { chat: chats[0]?.chat ?? '' });
    const third = await client.call('chat:open', { model, pause_running: true });
    await client.call('chat:close', { chat: chats[1]?.chat ?? '' });
    expect(await stateOf(run)).toBe('paused');
    await client.call('chat:close', { chat: third.chat });
    await untilState(run, 'finished');
  });

  it('lets a training go on when the window that had it paused for a chat is gone', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    await client.call('chat:open', { model: path.join(home, 'models', 'tiny'), pause_running: true });
    expect(await stateOf(run)).toBe('paused');
    client = await contract.reload();
    await untilState(run, 'running');
    expect(await client.call('chat:list', {})).toEqual([]);
    await untilState(run, 'finished');
  });

  it('lets it go on where the window is gone before the training was saved', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    void failure(client.call('chat:open', { model: path.join(home, 'models', 'tiny'), pause_running: true }));
    client = await contract.reload();
    await untilState(run, 'paused');
    await untilState(run, 'running');
    expect(await client.call('chat:list', {})).toEqual([]);
  });

  it('pauses a training for a chat that is open already, and leaves the model as it is', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { chat } = await client.call('chat:open', { model: path.join(home, 'models', 'tiny') });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    await client.call('chat:makeRoom', {});
    expect(await stateOf(run)).toBe('paused');
    expect(await client.call('chat:list', {})).toMatchObject([{ chat }]);
    await client.call('chat:close', { chat });
    await untilState(run, 'finished');
  });

  it('closes chats that a training was paused for when a run is started', async () => {
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    await client.call('chat:open', { model: path.join(home, 'models', 'tiny'), pause_running: true });
    await client.call('runs:resume', { run });
    expect(await client.call('chat:list', {})).toEqual([]);
    await untilState(run, 'finished');
  });

  it('leaves a training paused where another run was started meanwhile', async () => {
    const notices = collect('notice:told');
    const training = fakeConfig(home, 'well', { max_steps: 300, save_minutes: 5 });
    const { run } = await client.call('runs:start', { config: training });
    await until(async () => (await client.call('runs:listActive', {})).some(({ step }) => step > 3) || null);
    const config = fakeConfig(home, 'well', { save_minutes: 60_000 });
    const working = await client.call('config:dryRun', { config, pause_running: true });
    await untilState(run, 'paused');
    const { run: second } = await client.call('runs:start', { config: fakeConfig(home, 'well') });
    expect(await client.call('tasks:get', { task: working.task })).toMatchObject({ state: 'cancelled' });
    await untilState(second, 'finished');
    expect(await stateOf(run)).toBe('paused');
    expect(notices).toContainEqual(expect.objectContaining({ code: 'run/stays-paused' }));
  });

  it('measures how weights can be stored, and finds it again', async () => {
    const config = fakeConfig(home, 'well');
    await writeTinyModel(config.model.path);
    expect(await client.call('config:findStorages', { config })).toBeNull();
    const kept = await client.follow(await client.call('config:measureStorages', { config, rows: 20 }));
    expect(kept).toMatchObject({ cached: false, report: { rows: 20, storages: { length: 5 } } });
    expect(await client.call('config:findStorages', { config, rows: 20 })).toEqual({ ...kept, cached: true });
    expect(await client.call('config:findStorages', { config, rows: 21 })).toBeNull();
    writeFileSync(path.join(home, 'rows.jsonl'), '{"text": "two"}\n');
    expect(await client.call('config:findStorages', { config, rows: 20 })).toBeNull();
    const elsewhere = { ...config, model: { path: '/etc' } };
    expect(await failure(client.call('config:measureStorages', { config: elsewhere }))).toMatchObject({
      code: 'path/refused',
    });
  });

  it('evaluates a model and what a run made of it, and hands on the wrong answers', async () => {
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'well') });
    await untilState(run, 'finished');
    const files = [path.join(home, 'rows.jsonl')];
    const report = {
      task_type: 'CAUSAL_LM',
      eval_loss: 1.5,
      perplexity: Math.exp(1.5),
      tokens: 9,
      rows: 3,
      metrics: { exact_match: 2 / 3 },
      answered: 3,
      wrong_count: 1,
      wrong: [{ prompt: '2?', expected: '2', answer: 'no' }],
    };
    const evaluate = async (subject: object) => {
      const request = { ...subject, files, exact_match: true, with_base: true };
      return client.follow(await client.call('models:evaluate', request));
    };
    expect(await evaluate({ model: path.join(home, 'models', 'tiny') })).toEqual({ report, base: null });
    expect(await evaluate({ tuned: { run, checkpoint: 10 } })).toEqual({ report, base: report });
    const refused = [
      { files: ['/etc/passwd'], model: path.join(home, 'models', 'tiny') },
      { files, model: '/etc' },
    ];
    for (const request of refused) {
      expect(await failure(client.call('models:evaluate', request))).toMatchObject({ code: 'path/refused' });
    }
    expect(await failure(client.call('models:evaluate', { files }))).toMatchObject({ code: 'contract/bad-arguments' });
    const forever = await client.call('models:evaluate', { files, model: path.join(home, 'models', 'tiny') });
    await client.call('tasks:cancel', { task: forever.task });
    expect(await failure(client.follow(forever))).toMatchObject({ code: 'work/interrupted' });
  });

  it('looks through data files as a task, with its result and its failure', async () => {
    const file = path.join(home, 'rows.csv');
    writeFileSync(file, 'prompt,completion\nWhat is one?,1\nWhat is two?,2\n');
    const phases: string[] = [];
    const started = await client.call('data:inspect', { train: [file] });
    const report = await client.follow(started, ({ phase }) => phases.push(phase));
    expect(report).toMatchObject({ rows: 2, bad_rows: 0, files: [{ format: 'prompt_completion' }] });
    expect(report.samples[0]?.spans.some(({ trained }) => trained)).toBe(true);
    expect(await client.call('data:list', {})).toMatchObject([{ path: file, rows: 2 }]);
    const broken = await client.call('data:inspect', {
      train: [file],
      template: '{{ no',
      model: path.join(home, 'none'),
    });
    expect(await failure(client.follow(broken))).toMatchObject({ code: 'tokenizer/missing' });
    expect(await client.call('tasks:list', {})).toMatchObject([{ state: 'failed' }, { state: 'done' }]);
  });

  it('copies a file into UTF-8, and refuses one that nobody chose', async () => {
    const file = path.join(home, 'rows.csv');
    writeFileSync(file, 'prompt,completion\nOù ?,là\n', 'latin1');
    const report = await client.follow(await client.call('data:inspect', { train: [file] }));
    expect(report.fault_counts).toEqual({ 'data/not-utf8': 1 });
    const [copy] = await client.follow(await client.call('data:convert', { files: [file] }));
    expect(copy).toMatchObject({ from: file, encoding: 'windows-1252' });
    const mended = await client.follow(await client.call('data:inspect', { train: [copy?.to ?? ''] }));
    expect(mended).toMatchObject({ rows: 1, fault_count: 0 });
    expect(await failure(client.call('data:convert', { files: ['/etc/passwd'] }))).toMatchObject({
      code: 'path/refused',
    });
  });

  it('streams the answers of a chat, and stops one', async () => {
    const told = collect('chat:textAdded');
    const answered = collect('chat:answered');
    const model = path.join(home, 'models', 'tiny');
    const { chat } = await client.call('chat:open', { model });
    const { answer } = await client.call('chat:generate', { chat, input: { prompt: 'word' } });
    await until(() => answered.find((one) => one.answer === answer) ?? null);
    expect(told.map(({ text }) => text).join('')).toBe('word0 word1 word2 ');
    expect(answered[0]?.outcome).toMatchObject({ ok: true, value: { stop_reason: 'stop_token' } });
    const long = await client.call('chat:generate', { chat, input: { prompt: 'slow' } });
    await until(() => told.find((one) => one.answer === long.answer) ?? null);
    await client.call('chat:stop', { chat, answer: long.answer });
    const end = await until(() => answered.find((one) => one.answer === long.answer) ?? null);
    expect(end.outcome).toMatchObject({ ok: true, value: { stop_reason: 'interrupted' } });
    const failing = await client.call('chat:generate', { chat, input: { prompt: 'x' }, stop: ['fail'] });
    const failed = await until(() => answered.find((one) => one.answer === failing.answer) ?? null);
    expect(failed.outcome).toMatchObject({ ok: false, error: { code: 'generate/too-long' } });
    await client.call('chat:close', { chat });
    expect(await client.call('chat:list', {})).toEqual([]);
    expect(await failure(client.call('chat:generate', { chat, input: { prompt: 'x' } }))).toMatchObject({
      code: 'chat/unknown',
    });
  });

  it('keeps drafts and settings', async () => {
    const content = { step: 2, model: null, rows: [1, 2] };
    await client.call('drafts:save', { id: 'd1', name: 'Letters', content });
    expect(await client.call('drafts:list', {})).toMatchObject([{ id: 'd1', name: 'Letters' }]);
    expect(await client.call('drafts:get', { id: 'd1' })).toMatchObject({ content });
    await client.call('drafts:remove', { id: 'd1' });
    expect(await client.call('drafts:get', { id: 'd1' })).toBeNull();
    const told = collect('settings:changed');
    await client.call('settings:change', { theme: 'dark' });
    expect(told).toMatchObject([{ theme: 'dark' }]);
  });

  it('says how a run failed that never began, in the words of its fault', async () => {
    const { run } = await client.call('runs:start', { config: fakeConfig(home, 'bug') });
    await untilState(run, 'failed');
    expect(await client.call('runs:get', { run })).toMatchObject({
      run: { error_code: 'internal/bug', error_message: expect.stringMatching(/properties of undefined/) },
    });
  });
});
