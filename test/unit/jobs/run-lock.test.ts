import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireRunLock, type LockRecord, readRunHolder } from '../../../src-main/jobs/run-lock.ts';
import type { AppError } from '../../../src-shared/domain/app-error.ts';
import { makeFolder } from './support/start-fake.ts';

const WORKER = path.join(import.meta.dirname, 'support', 'lock-worker.ts');
const run = promisify(execFile);
let dir = '';
beforeEach(() => (dir = makeFolder()));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const lockFile = () => path.join(dir, 'run.lock');
const writeLock = (record: Partial<LockRecord>) => {
  const own = { pid: process.pid, started: null, host: hostname(), since: 0 };
  writeFileSync(lockFile(), JSON.stringify({ ...own, parent: { pid: process.ppid, started: null }, ...record }));
};
const leaveTorn = () => {
  writeFileSync(lockFile(), '{"pid": 1');
  utimesSync(lockFile(), 0, 0);
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
  ['torn by a crash', () => leaveTorn()],
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
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refusals.map(({ code }: AppError) => code)).toEqual(Array(7).fill('run/locked'));
});

it('never lets two processes in, however often holders are killed', async () => {
  const workers = Array.from({ length: 5 }, () => run(process.execPath, [WORKER, lockFile(), '80']));
  const meetings = (await Promise.all(workers)).map(({ stdout }) => stdout);
  expect(meetings).toEqual(workers.map(() => '0'));
  expect(readdirSync(dir).filter((name) => name !== 'run.lock')).toEqual([]);
}, 60_000);

it('takes over from a process that was killed while it took over', async () => {
  writeLock({ pid: deadPid() });
  const guard = createHash('sha256').update(readFileSync(lockFile())).digest('hex').slice(0, 16);
  const left = { pid: deadPid(), started: 'before', host: hostname() };
  writeFileSync(`${lockFile()}.${guard}`, JSON.stringify(left));
  await (await acquireRunLock(dir)).release();
  expect(readdirSync(dir)).toEqual([]);
});

it('gives a lock that is being written the time to be', async () => {
  writeFileSync(lockFile(), '');
  setTimeout(() => writeLock({}), 300);
  await expect(acquireRunLock(dir)).rejects.toMatchObject({ code: 'run/locked' });
});

it('does not judge a process of another machine', async () => {
  writeLock({ pid: deadPid(), host: 'elsewhere' });
  await expect(acquireRunLock(dir)).rejects.toMatchObject({
    code: 'run/locked',
    hint: expect.stringContaining('run.lock'),
  });
});
