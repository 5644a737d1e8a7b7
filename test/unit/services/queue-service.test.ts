import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../../src-shared/schema/run-config.ts';
import { createServices, type Services } from '../../../src-main/services/create-services.ts';
import type { Behaviour } from '../jobs/support/fake-recipe.ts';
import { FAKE_ENTRY, makeFolder } from '../jobs/support/start-fake.ts';

let home = '';
let services: Services;
beforeEach(() => {
  home = makeFolder();
  services = createServices({ home, jobEntry: FAKE_ENTRY, env: {} });
});
afterEach(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

const config = (behaviour: Behaviour, training: object = {}): RunConfig =>
  parseRunConfig({
    name: behaviour,
    model: { path: '/m' },
    data: { train: ['/d.jsonl'] },
    training: { max_steps: 6, ...training },
  });
const never = new AbortController().signal;

it('runs what waits in order and goes on after a failure', async () => {
  const { queue, runs } = services;
  const first = await queue.add(config('well'));
  const second = await queue.add(config('bad-input'));
  const third = await queue.add(config('well', { seed: 3 }));
  await queue.reorder([third.id]);
  await queue.remove(first.id.slice(0, 8));
  expect((await queue.list()).map(({ id }) => id)).toEqual([third.id, second.id]);
  expect(await queue.runAll({ signal: never })).toBe(2);
  const [done, failed] = await queue.list();
  const [run] = await runs.list();
  expect(done).toMatchObject({ state: 'finished', run_id: run?.id });
  expect(failed).toMatchObject({ state: 'failed', run_id: null, error_message: 'rows.jsonl: no rows' });
});

it('saves the run at work and starts no further one when it is to end', async () => {
  const { queue, runs } = services;
  await queue.add(config('well', { max_steps: 5000, save_minutes: 10 }));
  await queue.add(config('well'));
  const ending = new AbortController();
  const onEvent = ({ event }: { event: string }) => event === 'step' && ending.abort();
  expect(await queue.runAll({ signal: ending.signal, onEvent })).toBe(1);
  expect((await runs.list())[0]).toMatchObject({ state: 'paused' });
  const [paused, waiting] = await queue.list();
  expect([paused?.state, paused?.error_message, waiting?.state]).toEqual(['paused', null, 'waiting']);
  const settings = ['training.max_steps=300', 'training.save_minutes=0'];
  await (
    await runs.resume(paused?.run_id ?? '', { settings })
  ).result;
  expect((await queue.list()).map(({ state }) => state)).toEqual(['finished', 'waiting']);
});

it.each([
  ['stopped', 'stopped'],
  ['paused', 'waiting'],
] as const)('an item whose run is %s before its first step is %s', async (wish, state) => {
  const { queue, runs } = services;
  await queue.add(config('well', { max_steps: 5000, save_minutes: 10 }));
  let isFirst = true;
  const going = queue.runAll({ signal: never, mayGoOn: () => isFirst, onItem: () => (isFirst = false) });
  await expect.poll(() => runs.active().length, { interval: 1 }).toBe(1);
  runs.active()[0]?.end(wish);
  await going;
  expect(await queue.list()).toMatchObject([{ state, run_id: null, error_message: null }]);
});

it('shows that a run failed, with its reason', async () => {
  const { queue } = services;
  await queue.add(config('out-of-memory'));
  await queue.runAll({ signal: never });
  expect(await queue.list()).toMatchObject([
    { state: 'failed', run_id: expect.any(String), error_message: expect.stringMatching(/Memory/) },
  ]);
});

it('survives a restart, and an item that was cut off waits again', async () => {
  await services.queue.add(config('well'));
  const { claimNextQueueItem } = await import('../../../src-main/store/queue.ts');
  claimNextQueueItem(await services.history.open());
  await services.close();
  services = createServices({ home, jobEntry: FAKE_ENTRY, env: {} });
  expect(await services.queue.list()).toMatchObject([{ state: 'waiting', name: 'well' }]);
});

it('names what it cannot find', async () => {
  await expect(services.queue.remove('x')).rejects.toMatchObject({ code: 'queue/unknown' });
});
