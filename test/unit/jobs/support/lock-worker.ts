/**
 * @file A process that takes a lock again and again, and leaves it as a killed holder would every other time. Whoever finds another one
 * inside says so.
 *
 *     node lock-worker.ts FILE ROUNDS
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../../../src-main/jobs/run-lock.ts';

const [file = '', rounds = '0'] = process.argv.slice(2);
const inside = `${file}-inside`;
let meetings = 0;

for (let round = 0; round < Number(rounds); round++) {
  const lock = await acquireLock(file, () => sleep(1));
  try {
    writeFileSync(inside, '', { flag: 'wx' });
    await sleep(0);
    rmSync(inside);
  } catch {
    meetings++;
  }
  if (round % 2 === 0) await lock.release();
  else leaveAsKilled(`round ${round}`);
}
process.stdout.write(String(meetings));

/** The record of a process that had our id before us. */
function leaveAsKilled(since: string): void {
  const draft = `${file}-${process.pid}`;
  const parent = { pid: process.ppid, started: null };
  writeFileSync(draft, JSON.stringify({ pid: process.pid, started: 'before', host: hostname(), parent, since }));
  renameSync(draft, file);
}
