/** @file What the person has measured: true of its subject alone; the advice among what can be chosen. */
import { describe, expect, it } from 'vitest';
import type { KeptReport } from '../../src-shared/domain/quantize-report.ts';
import type { Task } from '../../src-shared/domain/tasks.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { Measurement } from '../../src-renderer/state/measurement.svelte.ts';
import {
  adviseStorage,
  findStorage,
  Storages,
  storageSubject,
} from '../../src-renderer/state/wizard/storages.svelte.ts';
import { fakeStorages } from '../unit/jobs/support/fake-storages.ts';
import { createScriptedCore, type ScriptedCore } from './support/scripted-core.ts';

const report = fakeStorages(64);
const kept: KeptReport = { report, measured_at: 5, cached: false };
const config = (changes: Partial<RunConfig> = {}): RunConfig => ({
  model: { path: '/m' },
  data: { train: ['/rows.csv'], max_length: 64 },
  quantization: {},
  peft: {},
  training: {},
  ...changes,
});

function done(id: string, kind: Task['kind'], result: Task['result']): Task {
  const times = { started_at: 1, ended_at: 2 };
  return { id, kind, subject: '', state: 'done', phase: '', fraction: 1, ...times, result, error: null };
}

function openCore(): ScriptedCore {
  return createScriptedCore({
    'config:measureStorages': () => ({ task: 'm', kind: 'measureStorages' }),
    'config:findStorages': () => ({ ...kept, cached: true }),
    'tasks:get': ({ task }) => done(task, 'measureStorages', kept),
    'tasks:cancel': () => null,
  });
}

describe('a measurement', () => {
  it('holds for its subject, and no longer for another one', async () => {
    const { client } = openCore();
    const measurement = new Measurement<'measureStorages', number>(client, () =>
      client.call('config:measureStorages', { config: config() }),
    );
    expect(measurement.resultOf(1)).toBeNull();
    await measurement.measure(1, false);
    expect(measurement.resultOf(1)).toEqual(kept);
    expect(measurement.resultOf(2)).toBeNull();
    measurement.clear();
    expect(measurement.resultOf(1)).toBeNull();
  });

  it('asks for a pause only where the person agreed to one', async () => {
    const { client, calls } = openCore();
    const storages = new Storages(client);
    for (const pause of [false, true]) await storages.measurement.measure(storageSubject(config()), pause);
    const asked = calls.filter(({ method }) => method === 'config:measureStorages').map(({ args }) => args);
    expect(asked).toMatchObject([{ pause_running: false }, { pause_running: true }]);
  });
});

describe('the report on storages', () => {
  it('is found again for the same model and data, whatever else was changed', async () => {
    const { client, calls } = openCore();
    const storages = new Storages(client);
    const subject = storageSubject(config());
    await storages.find(subject);
    await storages.find(storageSubject(config({ peft: { r: 64 }, training: { learning_rate: 1 } })));
    expect(calls.filter(({ method }) => method === 'config:findStorages')).toHaveLength(1);
    expect(storages.reportOf(storageSubject(config({ peft: { r: 2 } })))?.cached).toBe(true);
    expect(storages.reportOf(storageSubject(config({ model: { path: '/other' } })))).toBeNull();
  });

  it('advises the smallest storage among those that can be chosen', () => {
    expect(adviseStorage(report, ['none', 'bf16', 'int8', 'nf4'])).toMatchObject({ method: 'nf4', doubleQuant: true });
    const advised = adviseStorage(report, ['none', 'bf16']);
    expect(advised).toMatchObject({ method: 'bf16', share: 0.5 });
    expect(advised?.rise).toBeCloseTo(0.001);
    expect(adviseStorage(report, [])).toBeNull();
  });

  it('tells the two kinds of NF4 apart', () => {
    expect(findStorage(report.storages, 'nf4', false)?.bits_per_parameter).toBe(4.5);
    expect(findStorage(report.storages, 'nf4', true)?.bits_per_parameter).toBe(4.127);
    expect(findStorage(report.storages, 'int8', false)?.bits_per_parameter).toBe(8);
  });
});
