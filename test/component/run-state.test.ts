/** @file Runs in the window: the list, one run's page, what they brought. */
import { describe, expect, it } from 'vitest';
import type { MetricRecord } from '../../src-shared/domain/history.ts';
import type { MetricPage, RunPageDetails, TimedRunEvent } from '../../src-shared/domain/run-views.ts';
import { RunList, SeenHistory } from '../../src-renderer/state/run-list.svelte.ts';
import { listHappenings } from '../../src-renderer/state/run-log.ts';
import { findRemedies } from '../../src-renderer/state/run-remedies.ts';
import { findAnswerChanges, findEvalChange, headlineOf, otherFigures } from '../../src-renderer/state/run-result.ts';
import { evaluationCurve } from '../../src-renderer/state/run-series.ts';
import { RunView } from '../../src-renderer/state/run-view.svelte.ts';
import { makeRun } from './support/fixtures.ts';
import { createScriptedCore } from './support/scripted-core.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

function metric(step: number): MetricRecord {
  const rest = { learning_rate: 1e-3, grad_norm: 1, tokens_per_second: 10, memory_bytes: 1e6 };
  return { step, loss: 1 / step, tokens: step * 100, epoch: step / 10, elapsed_ms: step * 50, ...rest };
}

function page(steps: readonly number[], next: number | null = null): MetricPage {
  const rows = steps.map(metric);
  const names = Object.keys(metric(1)) as (keyof MetricRecord)[];
  const columns: Record<string, number[]> = {};
  for (const name of names) columns[name] = rows.map((row) => row[name]);
  return { columns: columns as unknown as MetricPage['columns'], next };
}

function step(number: number): TimedRunEvent {
  return { event: 'step', at: number, ...metric(number) };
}

function details(changes: Partial<RunPageDetails> = {}): RunPageDetails {
  return {
    run: makeRun('a', { state: 'running', ended_at: null }),
    notes: '',
    config: {},
    evaluations: [],
    notices: [],
    checkpoints: [],
    samples: [],
    exports: [],
    size_bytes: 0,
    can_resume: false,
    ...changes,
  };
}

describe('the list', () => {
  const all = Array.from({ length: 230 }, (_, index) => makeRun(`r${index}`));
  const open = () => {
    const core = createScriptedCore({
      'runs:list': ({ offset = 0, limit = 50, search = '' }) => {
        const runs = all.filter(({ name }) => name.includes(search));
        return { total: runs.length, runs: runs.slice(offset, offset + limit) };
      },
      'runs:listTags': () => [],
    });
    return { core, list: new RunList(core.client) };
  };

  it('loads pieces as they are seen', async () => {
    const { list, core } = open();
    await list.reload();
    expect(list.total).toBe(230);
    expect(list.rows[59]?.id).toBe('r59');
    expect(list.rows[60]).toBeUndefined();
    list.need(55, 90);
    list.need(55, 90);
    await settle();
    expect(list.rows[119]?.id).toBe('r119');
    expect(list.rows[120]).toBeUndefined();
    expect(core.calls.filter(({ method }) => method === 'runs:list')).toHaveLength(2);
  });

  it('tells the ids of all that match, loaded or not', async () => {
    const { list } = open();
    await list.reload();
    expect(await list.readAllIds()).toEqual(all.map(({ id }) => id));
    list.search = 'Run r7';
    expect(await list.readAllIds()).toHaveLength(11);
  });

  it('is there at once where it was seen before, and is read anew behind that', async () => {
    const { core } = open();
    const seen = new SeenHistory(core.client);
    const first = new RunList(core.client, seen);
    await first.reload();
    await first.reload();
    const again = new RunList(core.client, seen);
    expect(again.total).toBe(230);
    expect(again.rows[3]?.id).toBe('r3');
    again.setSearch('Run r7');
    await again.reload();
    expect(new RunList(core.client, seen).total).toBe(230);
    core.push('runs:moved', { runs: ['r3'] });
    expect(new RunList(core.client, seen).total).toBeNull();
  });

  it('shows the answer to the latest question only', async () => {
    const { list, core } = open();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const answer = core.answers['runs:list']!;
    core.answers['runs:list'] = async (args) => {
      if (args.search === '') await held;
      return answer(args);
    };
    const first = list.reload();
    list.search = 'Run r7';
    await list.reload();
    release();
    await first;
    expect(list.total).toBe(11);
  });

  it('changes a run in its place', async () => {
    const { list, core } = open();
    const end = list.watch();
    await settle();
    core.push('run:changed', makeRun('r3', { name: 'Another name' }));
    expect(list.rows[3]?.name).toBe('Another name');
    end();
  });

  it('turns the order around at the second click', async () => {
    const { list } = open();
    list.sortBy('name');
    expect([list.sort, list.descending]).toEqual(['name', false]);
    list.sortBy('name');
    expect(list.descending).toBe(true);
    await settle();
  });
});

describe('one run', () => {
  it('reads all pages, and what is told meanwhile comes after them', async () => {
    const core = createScriptedCore({
      'runs:get': () => details(),
      'runs:getMetrics': ({ after_step }) => (after_step === -1 ? page([1, 2, 3], 3) : page([4, 5])),
    });
    const view = new RunView(core.client, 'a');
    const end = view.watch();
    await core.client.ready;
    core.push('run:eventsReported', { run: 'a', events: [step(6)] });
    await settle();
    expect([...view.metrics.column('step')]).toEqual([1, 2, 3, 4, 5, 6]);
    core.push('run:eventsReported', { run: 'a', events: [step(7)] });
    core.push('run:eventsReported', { run: 'another', events: [step(8)] });
    expect(view.metrics.lastStep).toBe(7);
    end();
    core.push('run:eventsReported', { run: 'a', events: [step(9)] });
    expect(view.metrics.lastStep).toBe(7);
  });

  it('is drawn anew only when twice as many figures are there, and at the end', async () => {
    const drawn: number[] = [];
    const core = createScriptedCore({
      'runs:get': () => details(),
      'runs:getMetrics'({ after_step = -1 }) {
        drawn.push(view.version);
        return page([after_step + 1], after_step < 8 ? after_step + 1 : undefined);
      },
    });
    const view = new RunView(core.client, 'a');
    await view.load();
    expect(view.metrics.count).toBe(10);
    // After 1, 2, 4, 8 and 10 figures; and once for what was told meanwhile.
    expect(drawn).toEqual([0, 1, 2, 2, 3, 3, 3, 3, 4, 4]);
    expect(view.version).toBe(6);
  });

  it('forgets what a resumed run does anew', async () => {
    const core = createScriptedCore({ 'runs:get': () => details(), 'runs:getMetrics': () => page([1, 2, 3, 4, 5]) });
    const view = new RunView(core.client, 'a');
    const end = view.watch();
    await settle();
    core.push('run:eventsReported', { run: 'a', events: [step(3)] });
    expect([...view.metrics.column('step')]).toEqual([1, 2, 3]);
    expect(view.metrics.column('loss')).toHaveLength(3);
    end();
  });

  it('reads itself again when it ends, and says when it is gone', async () => {
    const core = createScriptedCore({ 'runs:get': () => details(), 'runs:getMetrics': () => page([1]) });
    const view = new RunView(core.client, 'a');
    const end = view.watch();
    await settle();
    core.answers['runs:get'] = () => details({ run: makeRun('a'), can_resume: true });
    core.push('run:changed', makeRun('a'));
    await settle();
    expect(view.details?.can_resume).toBe(true);
    core.answers['runs:get'] = () => {
      throw new Error('gone');
    };
    await view.load();
    expect(view.failure?.code).toBe('internal/bug');
    end();
  });
});

describe('a result', () => {
  const evaluation = (number: number, eval_loss: number) => ({
    step: number,
    eval_loss,
    perplexity: 1,
    best: true,
    metrics: {},
  });

  it('of a classifier leads with how often it is right, and tells the loss beside', () => {
    const check = (step: number, eval_loss: number, accuracy: number) => ({
      ...evaluation(step, eval_loss),
      metrics: { accuracy, f1: accuracy / 2 },
    });
    const change = findEvalChange([check(0, 2, 0.25), check(9, 1, 0.75)])!;
    const headline = headlineOf(change);
    expect(headline).toEqual({ name: 'accuracy', first: 0.25, best: 0.75, gain: 0.5 });
    expect(otherFigures(change, headline)).toEqual([
      { name: 'f1', first: 0.125, best: 0.375 },
      { name: 'loss', first: 2, best: 1 },
    ]);
    const writer = findEvalChange([evaluation(0, 2), evaluation(9, 1)])!;
    expect(headlineOf(writer)).toEqual({ name: 'loss', first: 2, best: 1, gain: 0.5 });
    expect(otherFigures(writer, headlineOf(writer))).toEqual([]);
  });

  it('is the first check against the best', () => {
    const change = findEvalChange([evaluation(20, 1), evaluation(10, 2), evaluation(30, 1.5)]);
    expect(change).toMatchObject({ first: { step: 10 }, best: { step: 20 }, gain: 0.5 });
    expect(findEvalChange([])).toBeNull();
  });

  it('is the same question answered early and late', () => {
    const sample = (number: number, answer: string) => ({ step: number, prompt: 'q', answer, expected: 'b' });
    expect(findAnswerChanges([sample(2, 'b'), sample(1, 'a')])).toMatchObject([
      { before: { answer: 'a' }, after: { answer: 'b' } },
    ]);
    expect(findAnswerChanges([sample(1, 'a')])).toMatchObject([{ before: { answer: 'a' }, after: null }]);
  });

  it('has its checks at the tokens and the time of their step', () => {
    const core = createScriptedCore({});
    const { metrics } = new RunView(core.client, 'a');
    metrics.addPage(page([1, 2, 4, 8]));
    expect(evaluationCurve([evaluation(4, 1), evaluation(2, 2)], metrics, 'tokens')).toEqual({
      xs: [200, 400],
      ys: [2, 1],
    });
    expect(evaluationCurve([evaluation(7, 1)], metrics, 'elapsed_ms').xs).toEqual([200]);
  });
});

describe('what happened', () => {
  it('is told newest first', () => {
    const list = listHappenings({
      run: { state: 'finished', step: 9, started_at: 1, ended_at: 5 },
      notices: [{ step: 0, code: 'a/b', message: 'm', at: 2 }],
      evaluations: [{ step: 9, eval_loss: 1, perplexity: 1, best: true, metrics: {} }],
      checkpoints: [{ step: 9, path: 'p', best: true, created_at: 4 }],
    });
    expect(list.map(({ kind }) => kind)).toEqual(['ended', 'checkpoint', 'evaluation', 'notice', 'begun']);
  });
});

describe('a failed run', () => {
  const config = { training: { learning_rate: 0.01, per_device_train_batch_size: 4, gradient_accumulation_steps: 2 } };

  it('offers what mends it', () => {
    expect(findRemedies('train/diverged', '', config)).toEqual([
      { kind: 'lower-rate', value: 0.0025, settings: ['training.learning_rate=0.0025'] },
    ]);
    expect(findRemedies('memory/exhausted', '', config)[0]?.settings).toEqual([
      'training.per_device_train_batch_size=2',
      'training.gradient_accumulation_steps=4',
    ]);
    const hint =
      'Need less: --set training.gradient_checkpointing=true --set data.max_length=256\nThe same settings go with `tunesmith resume`.';
    expect(findRemedies('memory/exhausted', hint, config)).toMatchObject([
      { kind: 'fit', settings: ['training.gradient_checkpointing=true', 'data.max_length=256'] },
    ]);
    expect(findRemedies('disk/full', '', config)).toEqual([]);
  });
});
