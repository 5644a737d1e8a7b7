/** @file No job outlives its parent, however the parent ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listCheckpoints } from '../../../src-main/jobs/checkpoint-store.ts';
import { readRunHolder } from '../../../src-main/jobs/run-lock.ts';
import { isProcessAlive } from '../../../scripts/setup/process-identity.mjs';
import type { Behaviour } from './support/fake-recipe.ts';
import { makeFolder, startFakeRun } from './support/start-fake.ts';

const HOST = fileURLToPath(new URL('./support/host.ts', import.meta.url));
/** The grace is 10 s; on a busy machine the rest takes its time. */
const LONGEST_END_MS = 30_000;

let runDir = '';
beforeEach(() => (runDir = makeFolder()));
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

/** Starts the stand-in for core in a process group of its own and waits for the job's fourth step (or third, if it blocks there). */
async function startHost(behaviour: Behaviour): Promise<{ host: ChildProcess; jobPid: number }> {
  const args = [HOST, runDir, behaviour, '100000', '20'];
  const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let jobPid = 0;
  for await (const line of createInterface({ input: host.stdout })) {
    if (line.startsWith('job ')) jobPid = Number(line.slice(4));
    if (line === (behaviour === 'blocks' ? 'step 3' : 'step 4')) break;
  }
  return { host, jobPid };
}

async function waitForEnd(pid: number): Promise<void> {
  for (const started = Date.now(); isProcessAlive({ pid, started: null }); await sleep(50)) {
    if (Date.now() - started > LONGEST_END_MS) throw new Error(`process ${pid} is still there`);
  }
}

it('saves a checkpoint and ends when its parent alone is killed, and can be resumed at once', async () => {
  const { host, jobPid } = await startHost('well');
  host.kill('SIGKILL');
  const resumed = startFakeRun(runDir, { steps: 30, resume: true });
  expect((await resumed.result).steps).toBe(30);
  await waitForEnd(jobPid);
  expect((await listCheckpoints(runDir)).length).toBeGreaterThan(0);
  expect(await readRunHolder(runDir)).toBeNull();
});

it('saves a checkpoint also when its parent is killed in the middle of what it is told', async () => {
  const { host, jobPid } = await startHost('chatters');
  host.kill('SIGKILL');
  await waitForEnd(jobPid);
  expect((await listCheckpoints(runDir)).map(({ step }) => step)).not.toEqual([]);
});

it('ends with the process group, and the stale lock is taken over', async () => {
  const { host, jobPid } = await startHost('well');
  process.kill(-Number(host.pid), 'SIGKILL');
  await waitForEnd(jobPid);
  expect((await startFakeRun(runDir, { steps: 30, resume: true }).result).steps).toBe(30);
});

it.each(['blocks', 'ignores-stop'] as const)('is killed after the grace when it %s', async (behaviour) => {
  const { host, jobPid } = await startHost(behaviour);
  host.kill('SIGKILL');
  await waitForEnd(jobPid);
});

it('ignores the Ctrl-C of a shared terminal, which is for core to answer', async () => {
  const { host, jobPid } = await startHost('well');
  process.kill(jobPid, 'SIGINT');
  await sleep(200);
  expect(isProcessAlive({ pid: jobPid, started: null })).toBe(true);
  host.kill('SIGKILL');
  await waitForEnd(jobPid);
});
