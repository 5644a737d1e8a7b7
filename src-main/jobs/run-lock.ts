/**
 * @file One writer a run folder: run.lock names the process that holds it.
 *
 * A process is named by its id and its start time, since ids are used again. A holder that is gone loses the lock to the next one
 * that asks. A holder whose parent is gone is saving its last checkpoint (parent-watchdog.ts), so it is waited for.
 */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExclusively, isLeftTorn, readLockText, removeStaleLock } from '../../scripts/setup/lock-file.mjs';
import { identifyProcess, isProcessAlive } from '../../scripts/setup/process-identity.mjs';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { withFileErrors } from './file-errors.ts';
import { PARENT_GRACE_MS } from './limits.ts';
import { LOCK_FILE } from './run-folder.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time as the system gives it; null where it does not. */
  readonly started: string | null;
}

export interface LockRecord extends ProcessIdentity {
  readonly host: string;
  readonly parent: ProcessIdentity;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Makes each record another one. */
  readonly nonce: string;
}

export interface HeldLock {
  release(): Promise<void>;
}

const POLL_MS = 100;
/** A holder that outlives its parent by more than its grace is not ending. */
const ENDING_WAIT_MS = PARENT_GRACE_MS + 5_000;

/**
 * Takes a lock, from a dead holder if need be.
 * @param file absolute path; its folder exists
 * @param whenHeld asked again and again while a live process holds it; waits a little, or throws to give up
 */
export async function acquireLock(file: string, whenHeld: (holder: LockRecord) => Promise<void>): Promise<HeldLock> {
  const own = JSON.stringify(describeSelf());
  for (;;) {
    if (await withFileErrors(file, () => createExclusively(file, own))) {
      return { release: () => rm(file, { force: true }) };
    }
    const text = await readLockText(file);
    const record = text === null ? null : parseRecord(text);
    if (record !== null && isHeld(record)) await whenHeld(record);
    else if (text !== null) await removeLeft(file, text, record);
  }
}

async function removeLeft(file: string, text: string, record: LockRecord | null): Promise<void> {
  const isLeft = record !== null || (await isLeftTorn(file));
  if (isLeft) await withFileErrors(file, () => removeStaleLock(file, text));
  else await sleep(POLL_MS);
}

/** Takes the lock of a run folder. @throws run/locked where another live process holds it */
export async function acquireRunLock(runDir: string): Promise<HeldLock> {
  const deadline = Date.now() + ENDING_WAIT_MS;
  return acquireLock(path.join(runDir, LOCK_FILE), async (holder) => {
    if (isParentAlive(holder) || Date.now() > deadline) throw lockedError(runDir, holder);
    await sleep(POLL_MS);
  });
}

/** Who works in the run folder now; null if nobody does. */
export async function readRunHolder(runDir: string): Promise<LockRecord | null> {
  return readHolder(path.join(runDir, LOCK_FILE));
}

/** The live process that holds a lock file, null if none does. */
export async function readHolder(file: string): Promise<LockRecord | null> {
  const text = await readLockText(file);
  const record = text === null ? null : parseRecord(text);
  return record !== null && isHeld(record) ? record : null;
}

function describeSelf(): LockRecord {
  const parent = identifyProcess(process.ppid);
  return { ...identifyProcess(process.pid), host: hostname(), parent, since: Date.now(), nonce: randomUUID() };
}

function parseRecord(text: string): LockRecord | null {
  try {
    const record = JSON.parse(text) as LockRecord;
    return typeof record.pid === 'number' && typeof record.parent?.pid === 'number' ? record : null;
  } catch {
    return null;
  }
}

/** A holder on another machine (shared folder) cannot be asked, so it counts as alive. */
function isHeld(record: LockRecord): boolean {
  return record.host !== hostname() || isProcessAlive(record);
}

function isParentAlive(record: LockRecord): boolean {
  return record.host !== hostname() || isProcessAlive(record.parent);
}

function lockedError(runDir: string, record: LockRecord): AppError {
  const isHere = record.host === hostname();
  const holder = `process ${record.pid}${isHere ? '' : ` on ${record.host}`}`;
  return new AppError('run/locked', `${runDir} is in use by ${holder} since ${new Date(record.since).toISOString()}`, {
    hint: isHere
      ? 'Wait until it has ended, or stop it first.'
      : `If that machine no longer works on it, delete ${path.join(runDir, LOCK_FILE)}.`,
  });
}
