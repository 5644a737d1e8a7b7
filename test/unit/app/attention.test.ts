/** @file What the desktop is asked for while runs go on: a real client in front of it, a desktop that writes down what it is told. */
import { expect, it } from 'vitest';
import { type Desktop, payAttention } from '../../../src-main/app/attention.ts';
import type { RunSummary } from '../../../src-shared/domain/run-views.ts';
import { createScriptedCore } from '../../component/support/scripted-core.ts';

async function open({ isWatched = false, notify = true } = {}) {
  const told: string[] = [];
  const desktop: Desktop = {
    holdAwake: () => void told.push('awake'),
    letSleep: () => void told.push('may sleep'),
    setTheme: (theme) => void told.push(`theme ${theme}`),
    showProgress: (fraction) => void told.push(`progress ${fraction}`),
    isWatched: () => isWatched,
    notify: ({ title }) => void told.push(`says ${title}`),
  };
  const settings = { theme: 'dark', notify_when_done: notify };
  const core = createScriptedCore({ 'settings:get': () => settings as never });
  const attention = payAttention(core.client, desktop);
  await settle();
  expect(told.splice(0)).toEqual(['theme dark']);
  const change = async (state: RunSummary['state'], id = 'a') => {
    core.push('run:changed', { id, name: 'Letters', state } as RunSummary);
    await settle();
  };
  return { core, told, attention, change };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

it('keeps the machine awake from the first work to the last, once', async () => {
  const { core, told, attention } = await open();
  core.push('work:changed', { training: false, tasks: 1 });
  core.push('work:changed', { training: true, tasks: 1 });
  expect(attention.isTraining()).toBe(true);
  core.push('run:progressed', { step: 5, total_steps: 20 } as never);
  core.push('work:changed', { training: true, tasks: 0 });
  core.push('work:changed', { training: false, tasks: 0 });
  core.push('work:changed', { training: false, tasks: 0 });
  expect(told.filter((line) => !line.startsWith('progress'))).toEqual(['awake', 'may sleep']);
  expect(told).toContain('progress 0.25');
  expect(told.at(-1)).toBe('progress -1');
  expect(attention.isTraining()).toBe(false);
});

it('lets the machine sleep and the window close after core crashed in the middle', async () => {
  const { core, told, attention, change } = await open();
  core.push('work:changed', { training: true, tasks: 0 });
  await change('running');
  core.restart();
  expect(told).toEqual(['awake', 'may sleep', 'progress -1']);
  expect(attention.isTraining()).toBe(false);
  // Found cut off by the new core: the window offers it, nothing has ended just now.
  await change('failed');
  expect(told).toHaveLength(3);
  core.push('work:changed', { training: true, tasks: 0 });
  expect(told.at(-1)).toBe('awake');
});

it('says that a run has finished or failed', async () => {
  const { told, change } = await open();
  await change('preparing');
  await change('running');
  expect(told).toEqual([]);
  await change('finished');
  await change('running', 'b');
  await change('failed', 'b');
  expect(told).toEqual(['says Letters is finished', 'says Letters has stopped']);
});

it('says nothing of runs that the person ended, of old ones that are renamed, and to who looks or wants no word', async () => {
  const ended = await open();
  for (const state of ['running', 'paused', 'running', 'stopped'] as const) await ended.change(state);
  await ended.change('finished', 'old');
  expect(ended.told).toEqual([]);
  for (const person of [{ isWatched: true }, { notify: false }]) {
    const { told, change } = await open(person);
    await change('running');
    await change('finished');
    expect(told).toEqual([]);
  }
});
