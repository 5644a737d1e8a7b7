import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { effectiveEvents, openEventLog, readEvents, type TimedEvent } from '../../../src-main/jobs/event-log.ts';
import { makeFolder } from './support/start-fake.ts';

let runDir = '';
beforeEach(() => (runDir = makeFolder()));
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

const notice = (step: number, at: number): TimedEvent => ({ event: 'notice', step, code: 'c', message: 'm', at });
const start = (start_step: number, at: number) =>
  ({ event: 'start', run_dir: '/r', total_steps: 9, start_step, at }) as TimedEvent;
const sample = (step: number, at: number): TimedEvent => ({
  event: 'sample',
  step,
  prompt: 'p',
  answer: 'a',
  expected: null,
  at,
});

it('gives events back in their order, samples in their own file, without progress', () => {
  const log = openEventLog(runDir);
  const events = [notice(1, 10), sample(1, 20), notice(2, 30)];
  for (const event of events) log.append(event);
  log.append({ event: 'progress', phase: 'load', fraction: 0.5, at: 40 });
  log.close();
  expect(readEvents(runDir)).toEqual(events);
  expect(readFileSync(path.join(runDir, 'samples.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1);
});

it('loses only the line that a crash tore, also after more were appended', () => {
  const first = openEventLog(runDir);
  first.append(notice(1, 1));
  first.close();
  appendFileSync(path.join(runDir, 'events.jsonl'), '{"event":"noti');
  const second = openEventLog(runDir);
  second.append(notice(3, 3));
  second.close();
  expect(readEvents(runDir)).toEqual([notice(1, 1), notice(3, 3)]);
});

it('drops what a resumed run told again', () => {
  const events = [start(0, 1), notice(1, 2), notice(5, 3), notice(7, 4), start(5, 5), notice(6, 6), notice(7, 7)];
  expect(effectiveEvents(events)).toEqual(events.filter(({ at }) => at !== 4));
});

it('keeps of several resumes only what the last ones left standing', () => {
  const events = [start(0, 1), notice(8, 2), start(6, 3), notice(7, 4), start(2, 5), notice(3, 6)];
  expect(effectiveEvents(events).map(({ at }) => at)).toEqual([1, 3, 5, 6]);
});
