/** @file The wizard's state: drafts that survive, data that is looked at, starting. */
import { describe, expect, it } from 'vitest';
import type { Draft as StoredDraft } from '../../src-shared/contract/machine-methods.ts';
import type { DataReport } from '../../src-shared/domain/data-report.ts';
import type { Task } from '../../src-shared/domain/tasks.ts';
import type { Engine } from '../../src-renderer/state/engine.svelte.ts';
import { draftFromConfig, parseConfigText } from '../../src-renderer/state/wizard/draft.ts';
import { Wizard } from '../../src-renderer/state/wizard/wizard.svelte.ts';
import { makeEngine, makeModel, makeReport, makeRun, MODEL_PATH } from './support/fixtures.ts';
import { createScriptedCore, type ScriptedCore } from './support/scripted-core.ts';

const LISTED = { ...makeModel(), added_at: 0, usable: true, revision: null, fit: null };
const engine = { status: makeEngine(), failure: null } as unknown as Engine;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Longer than the wizard waits before it saves and before it looks. */
const SOON_MS = 900;

function task(kind: Task['kind'], result: unknown): Task {
  const done = { state: 'done' as const, phase: '', fraction: null, started_at: 1, ended_at: 2, error: null };
  return { id: `${kind} task`, kind, subject: '', result: result as DataReport, ...done };
}

function open(report: () => DataReport = makeReport): { core: ScriptedCore; drafts: Map<string, StoredDraft> } {
  const drafts = new Map<string, StoredDraft>();
  const core = createScriptedCore({
    'drafts:get': ({ id }) => drafts.get(id) ?? null,
    'drafts:save': ({ id, name, content }) => {
      drafts.set(id, { id, name, content, updated_at: 1 });
      return { id, name, updated_at: 1 };
    },
    'drafts:remove': ({ id }) => {
      drafts.delete(id);
      return null;
    },
    'models:list': () => [
      { ...LISTED, id: 'sample', source: 'sample', path: '/sample' },
      { ...LISTED, id: 'm', source: 'imported' },
    ],
    'models:describe': ({ path }) => makeModel({ path }),
    'runs:list': () => ({ total: 1, runs: [makeRun('earlier', { tokens: 5_000, elapsed_ms: 1_000 })] }),
    'data:inspect': () => ({ task: 'inspectData task', kind: 'inspectData' }),
    'data:repair': () => ({ task: 'repairData task', kind: 'repairData' }),
    'config:plan': () => ({ task: 'planRun task', kind: 'planRun' }),
    'tasks:get': ({ task: id }) => {
      if (id.startsWith('inspect')) return task('inspectData', report());
      const left_out = { bad: 2, duplicates: 0, overlap: 0 };
      return task('repairData', [
        { from: '/data/rows.csv', to: '/home/copy.jsonl', role: 'train', kept: 398, left_out },
      ]);
    },
    'tasks:cancel': () => null,
  });
  return { core, drafts };
}

describe('a draft', () => {
  it('begins with the person’s own model, and is not stored before it is changed', async () => {
    const { core, drafts } = open();
    const wizard = new Wizard(core.client, engine, 'd');
    await wizard.load();
    expect(wizard.model?.path).toBe(MODEL_PATH);
    expect(wizard.measuredPace).toBe(5_000);
    await wizard.flush();
    expect(drafts.size).toBe(0);
  });

  it('is stored soon after a change, and read again as it was', async () => {
    const { core, drafts } = open();
    const wizard = new Wizard(core.client, engine, 'd');
    await wizard.load();
    wizard.change('data', { train: ['/data/rows.csv'] });
    wizard.change('peft', { r: 32 });
    wizard.setName('Mine');
    wizard.markSeen('data');
    await pause(SOON_MS);
    expect(drafts.get('d')?.name).toBe('Mine');
    const again = new Wizard(core.client, engine, 'd');
    await again.load();
    expect(again.draft).toEqual(wizard.draft);
    expect(again.inspection.result?.rows).toBe(400);
    expect(again.plan.settings.peft.r).toBe(32);
    expect(again.stepState('data')).toBe('done');
    expect(again.stepState('check')).toBe('open');
    expect(again.canStart).toBe(true);
  });

  it('goes back to what is recommended', async () => {
    const { core } = open();
    const wizard = new Wizard(core.client, engine, 'd');
    await wizard.load();
    const before = wizard.plan.settings.training.learning_rate;
    wizard.change('training', { learning_rate: 0.5 });
    wizard.change('training', { learning_rate: undefined });
    expect(wizard.plan.settings.training.learning_rate).toBe(before);
    expect(wizard.draft.config.training).toEqual({});
    await wizard.discard();
  });

  it('comes from a configuration of the command line', () => {
    const config = { model: { path: '/m' }, data: { train: ['x'] }, quantization: {}, peft: { r: 4 }, training: {} };
    expect(draftFromConfig(config).config).toMatchObject({ model: { path: '/m' }, peft: { r: 4 }, name: '' });
    expect(() => parseConfigText('{"a": 1}\n{"b": 2}')).toThrow('holds no JSON object');
    expect(() => parseConfigText('3')).toThrow('holds no JSON object');
  });
});

describe('data', () => {
  it('is looked at again when what is asked about it changes, and not otherwise', async () => {
    const { core } = open();
    const wizard = new Wizard(core.client, engine, 'd');
    await wizard.load();
    const looks = () => core.calls.filter(({ method }) => method === 'data:inspect').length;
    wizard.change('data', { train: ['/data/rows.csv'] });
    await pause(SOON_MS);
    expect(looks()).toBe(1);
    wizard.change('peft', { r: 4 });
    await pause(SOON_MS);
    expect(looks()).toBe(1);
    wizard.change('data', { completion_only_loss: false });
    await pause(SOON_MS);
    expect(looks()).toBe(2);
    await wizard.discard();
  });

  it('with bad rows blocks the start until a copy without them takes its place', async () => {
    let report = makeReport({ bad_rows: 2, fault_count: 2 });
    const { core } = open(() => report);
    const wizard = new Wizard(core.client, engine, 'd');
    await wizard.load();
    wizard.change('data', { train: ['/data/rows.csv'] });
    await pause(SOON_MS);
    expect(wizard.canStart).toBe(false);
    report = makeReport({ rows: 398 });
    expect(await wizard.repair(['bad'])).toBe(2);
    await pause(SOON_MS);
    expect(wizard.draft.config.data.train).toEqual(['/home/copy.jsonl']);
    expect(wizard.canStart).toBe(true);
    await wizard.discard();
  });
});
