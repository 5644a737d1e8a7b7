/** @file Going back to an earlier checkpoint: what came later is kept as a run of its own. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { effectiveEvents, readEvents, type TimedEvent } from '../../../src-main/jobs/event-log.ts';
import { readManifest } from '../../../src-main/jobs/run-folder.ts';
import { listSetAside } from '../../../src-main/jobs/set-aside.ts';
import { makeFolder, startFakeRun } from './support/start-fake.ts';

let folder = '';
let runDir = '';
beforeEach(() => {
  folder = makeFolder();
  runDir = path.join(folder, 'run');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const adapterOf = (dir: string) => readFileSync(path.join(dir, 'adapter', 'adapter_model.safetensors'), 'utf8');
const stepsOf = (dir: string) =>
  effectiveEvents(readEvents(dir)).flatMap((event) => (event.event === 'step' ? [event.step] : []));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const goBack = (checkpoint: number, steps: number) => startFakeRun(runDir, { resume: true, checkpoint, steps });

it('trains again from there, and keeps what came later, which can be gone on with', async () => {
  await startFakeRun(runDir, { steps: 10 }).result;
  const before = adapterOf(runDir);
  const events: TimedEvent[] = [];
  const again = startFakeRun(runDir, {
    resume: true,
    checkpoint: 5,
    steps: 12,
    onEvent: (event) => events.push(event),
  });
  await again.result;
  const [aside = '', ...others] = await listSetAside(runDir);
  expect(others).toEqual([]);
  expect(events).toContainEqual(expect.objectContaining({ event: 'start', start_step: 5 }));
  expect(events).toContainEqual(
    expect.objectContaining({ code: 'run/set-aside', message: expect.stringContaining(aside) }),
  );
  expect(stepsOf(runDir)).toEqual(upTo(12));
  expect(readdirSync(runDir).sort()).toContain('checkpoint-10');
  expect(adapterOf(aside)).toBe(before);
  expect(stepsOf(aside)).toEqual(upTo(10));
  expect(await readManifest(aside)).toMatchObject({ name: 'Fake (set aside at step 10)', resolved: true });
  await startFakeRun(aside, { resume: true, steps: 15 }).result;
  expect(stepsOf(aside)).toEqual(upTo(15));
});

it('sets nothing aside where nothing came later', async () => {
  await startFakeRun(runDir, { steps: 10 }).result;
  await goBack(10, 15).result;
  expect(await listSetAside(runDir)).toEqual([]);
  expect(stepsOf(runDir)).toEqual(upTo(15));
});

it('leaves all as it was where the run cannot start', async () => {
  await startFakeRun(runDir, { steps: 10 }).result;
  const before = readdirSync(runDir).sort();
  const refused = startFakeRun(runDir, { resume: true, checkpoint: 5, behaviour: 'too-large-checkpoint' });
  await expect(refused.result).rejects.toMatchObject({ code: 'disk/no-space' });
  expect(readdirSync(runDir).sort()).toEqual(before);
  expect(readdirSync(folder)).toEqual(['run']);
});

it('says which checkpoints there are, or that it is damaged', async () => {
  await startFakeRun(runDir, { steps: 10 }).result;
  await expect(goBack(7, 12).result).rejects.toMatchObject({
    code: 'checkpoint/missing',
    hint: expect.stringContaining('5, 10'),
  });
  const file = path.join(runDir, 'checkpoint-5', 'adapter_model.safetensors');
  writeFileSync(file, 'x'.repeat(readFileSync(file).length));
  await expect(goBack(5, 12).result).rejects.toMatchObject({ code: 'checkpoint/damaged' });
  expect(readdirSync(folder)).toEqual(['run']);
});
