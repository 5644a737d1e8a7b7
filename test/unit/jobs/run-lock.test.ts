import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireRunLock, type LockRecord, readRunHolder } from '../../../src-main/jobs/run-lock.ts';
import { makeFolder } from './support/start-fake.ts';

let dir = '';
beforeEach(() => (dir = makeFolder()));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lockFile = () => path.join(dir, 'run.lock');
const writeLock = (record: Partial<LockRecord>) => {
  const own = { pid: process.pid, started: null, host: hostname(), since: 0 };
  writeFileSync(lockFile(), JSON.stringify({ ...own, parent: { pid: process.ppid, started: null }, ...record }));
};
const deadPid = () => spawnSync('true').pid;

it('is held once, named, and free again after release', async () => {
  const lock = await acquireRunLock(dir);
  expect(await readRunHolder(dir)).toMatchObject({ pid: process.pid });
  await expect(acquireRunLock(dir)).rejects.toMatchObject({
    code: 'run/locked',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await lock.release();
  expect(await readRunHolder(dir)).toBeNull();
  await (await acquireRunLock(dir)).release();
});

it.each([
  ['of a process that has ended', () => writeLock({ pid: deadPid() })],
  ['of an earlier process with the same id', () => writeLock({ started: 'another start' })],
  ['torn by a crash', () => writeFileSync(lockFile(), '{"pid": 1')],
])('takes over a lock %s', async (_what, leave) => {
  leave();
  expect(await readRunHolder(dir)).toBeNull();
  const lock = await acquireRunLock(dir);
  expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

it('lets only one of many have a stale lock', async () => {
  writeLock({ pid: deadPid() });
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => acquireRunLock(dir)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('does not judge a process of another machine', async () => {
  writeLock({ pid: deadPid(), host: 'elsewhere' });
  await expect(acquireRunLock(dir)).rejects.toMatchObject({
    code: 'run/locked',
    hint: expect.stringContaining('run.lock'),
  });
});
