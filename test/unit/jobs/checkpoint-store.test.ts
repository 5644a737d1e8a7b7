import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RunEvent } from '../../../src-shared/domain/run-events.ts';
import type { FileContent } from '../../../src-main/engine/recipes/contract.ts';
import { findVerified, listCheckpoints, openCheckpointStore } from '../../../src-main/jobs/checkpoint-store.ts';
import { makeFolder } from './support/start-fake.ts';

let runDir = '';
beforeEach(() => (runDir = makeFolder()));
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

const open = (limit: number, report: (event: RunEvent) => void = () => {}) =>
  openCheckpointStore({ runDir, limit: () => limit, finalName: () => 'adapter', report });
const bytes = (text: string) => new TextEncoder().encode(text);
const steps = async () => (await listCheckpoints(runDir)).map(({ step }) => step);

async function* inPieces(): AsyncIterable<Uint8Array> {
  yield bytes('in ');
  yield bytes('pieces');
}

const filesWith = (content: FileContent) => new Map([['adapter_model.safetensors', content]]);

it('keeps state and files, whole or streamed, and reports where', async () => {
  const events: RunEvent[] = [];
  const store = await open(3, (event) => events.push(event));
  const state = { rng: [1, 2], nested: { epoch: 0.5 } };
  await store.save({ step: 7, files: filesWith(inPieces()), state, best: true });
  expect(events).toEqual([{ event: 'checkpoint', step: 7, path: path.join(runDir, 'checkpoint-7'), best: true }]);
  const { checkpoint } = await findVerified(await listCheckpoints(runDir));
  expect(checkpoint).toMatchObject({ step: 7, state, best: true, files: ['adapter_model.safetensors'] });
});

it('keeps the newest and the best, and no more than the limit', async () => {
  const store = await open(2);
  for (const step of [1, 2, 3, 4, 5]) {
    await store.save({ step, files: filesWith(bytes('x')), state: null, best: step === 2 });
  }
  expect(await steps()).toEqual([5, 2]);
  expect((await store.loadBest())?.step).toBe(2);
});

it('keeps both with a limit of one', async () => {
  const store = await open(1);
  await store.save({ step: 1, files: filesWith(bytes('x')), state: null, best: true });
  await store.save({ step: 2, files: filesWith(bytes('x')), state: null, best: false });
  expect(await steps()).toEqual([2, 1]);
});

it('never picks a torn one', async () => {
  const store = await open(9);
  for (const step of [1, 2, 3, 4]) {
    await store.save({ step, files: filesWith(bytes('content')), state: { step }, best: false });
  }
  truncateSync(path.join(runDir, 'checkpoint-4', 'adapter_model.safetensors'), 3);
  truncateSync(path.join(runDir, 'checkpoint-3', 'state.json'), 20);
  mkdirSync(path.join(runDir, 'checkpoint-9'));
  writeFileSync(path.join(runDir, 'checkpoint-2', 'adapter_model.safetensors'), 'CONTENT');
  expect(await steps()).toEqual([2, 1]);
  const { checkpoint, damaged } = await findVerified(await listCheckpoints(runDir));
  expect([checkpoint?.step, damaged.map(({ step }) => step)]).toEqual([1, [2]]);
});

it('clears away what a crash left half-written', async () => {
  mkdirSync(path.join(runDir, '.partial-checkpoint-5-123'));
  await open(1);
  expect(readdirSync(runDir)).toEqual([]);
});

it('leaves nothing of a checkpoint that could not be written', async () => {
  const store = await open(1);
  async function* failing(): AsyncIterable<Uint8Array> {
    yield bytes('half');
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  }
  const saving = store.save({ step: 1, files: filesWith(failing()), state: null, best: false });
  await expect(saving).rejects.toMatchObject({ code: 'disk/full', kind: 'environment' });
  expect(readdirSync(runDir)).toEqual([]);
});

it('replaces a checkpoint and the final folder of an earlier session', async () => {
  const store = await open(2);
  await store.save({ step: 1, files: new Map([['old', bytes('x')]]), state: null, best: false });
  await store.save({ step: 1, files: new Map([['new', bytes('y')]]), state: null, best: false });
  expect((await listCheckpoints(runDir))[0]?.files).toEqual(['new']);
  await store.writeFinal(new Map([['old', bytes('x')]]));
  const dir = await store.writeFinal(new Map([['new', bytes('x')]]));
  expect(readdirSync(dir)).toEqual(['new']);
  expect(existsSync(path.join(runDir, '.partial-adapter'))).toBe(false);
});
