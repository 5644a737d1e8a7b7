/**
 * @file One set-up at a time: real processes hold and lose the lock.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireLock } from '../../../scripts/setup/lock.mjs';
import { identifyProcess, isProcessAlive } from '../../../scripts/setup/process-identity.mjs';

const signal = new AbortController().signal;
const processes: ChildProcess[] = [];
let file = '';

beforeEach(() => {
  file = path.join(mkdtempSync(path.join(tmpdir(), 'tunesmith-lock-')), 'cache', 'setup.lock');
});

afterEach(() => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  rmSync(path.dirname(path.dirname(file)), { recursive: true });
});

it('is held until it is released, and leaves nothing behind', async () => {
  const lock = await acquireLock(file, { onWait: () => {}, signal });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname(), children: [] });
  lock.release();
  expect(readdirSync(path.dirname(file))).toEqual([]);
});

it('makes a second one wait, and tells it once for whom', async () => {
  const messages: string[] = [];
  const first = await acquireLock(file, { onWait: () => {}, signal });
  let secondHasIt = false;
  const second = acquireLock(file, { onWait: (text: string) => messages.push(text), signal }).then((lock) => {
    secondHasIt = true;
    return lock;
  });
  await sleep(800);
  expect(secondHasIt).toBe(false);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain(`process ${process.pid}`);
  first.release();
  (await second).release();
});

it('takes over from a killed owner and ends the tools that it left running', async () => {
  const [owner, tool] = [startSleeper(), startSleeper()];
  const record = { ...identifyProcess(owner), host: hostname(), since: new Date().toISOString() };
  const lock = await acquireLock(file, { onWait: () => {}, signal });
  writeFileSync(file, JSON.stringify({ ...record, children: [identifyProcess(tool)] }));
  await endProcess(owner);
  const next = await acquireLock(file, { onWait: () => {}, signal });
  expect(isProcessAlive(identifyProcess(tool))).toBe(false);
  next.release();
  lock.release();
});

it('is not fooled by a new process with the old id', async () => {
  const lock = await acquireLock(file, { onWait: () => {}, signal });
  const record = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...record, started: 'another time' }));
  const next = await acquireLock(file, { onWait: () => expect.unreachable('it must not wait'), signal });
  next.release();
  lock.release();
});

it('takes over a torn lock file', async () => {
  (await acquireLock(file, { onWait: () => {}, signal })).release();
  writeFileSync(file, '{"pid":');
  (await acquireLock(file, { onWait: () => {}, signal })).release();
  expect(existsSync(file)).toBe(false);
});

it('stops waiting when it is interrupted', async () => {
  const lock = await acquireLock(file, { onWait: () => {}, signal });
  const controller = new AbortController();
  const second = acquireLock(file, { onWait: () => controller.abort(), signal: controller.signal });
  await expect(second).rejects.toThrow(/abort/i);
  lock.release();
});

it('remembers its tools while they run', async () => {
  const lock = await acquireLock(file, { onWait: () => {}, signal });
  const tool = startSleeper();
  lock.addChild(tool);
  expect(JSON.parse(readFileSync(file, 'utf8')).children).toEqual([identifyProcess(tool)]);
  lock.removeChild(tool);
  expect(JSON.parse(readFileSync(file, 'utf8')).children).toEqual([]);
  lock.release();
});

function startSleeper(): number {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
  processes.push(child);
  if (child.pid === undefined) throw new Error('internal: no process');
  return child.pid;
}

async function endProcess(pid: number): Promise<void> {
  const child = processes.find((candidate) => candidate.pid === pid);
  const ended = new Promise((resolve) => child?.once('exit', resolve));
  child?.kill('SIGKILL');
  await ended;
}
