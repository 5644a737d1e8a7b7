/**
 * @file One training at a time on a device: a lock in the home, held by the process that follows the training.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import { acquireLock, type HeldLock, type LockRecord, readHolder } from '../jobs/run-lock.ts';
import type { Notice } from './notice.ts';

const POLL_MS = 500;

export interface TakeDeviceOptions {
  /** Absolute path of a folder that exists. */
  readonly home: string;
  /** Told once, where another training is at work; null = do not wait but throw. */
  readonly onWait: ((notice: Notice) => void) | null;
  readonly signal?: AbortSignal;
}

/** @throws device/busy where it is taken and nobody wants to wait; Interrupted on abort */
export async function takeTrainingDevice({ home, onWait, signal }: TakeDeviceOptions): Promise<HeldLock> {
  let told = false;
  return acquireLock(lockFile(home), async (holder) => {
    const message = `Another training is at work (process ${holder.pid})`;
    if (onWait === null) {
      throw new AppError('device/busy', message, { hint: 'Wait until it has ended, or add this run to the queue.' });
    }
    const waits = `${message}; this one starts when it has ended.`;
    if (!told) onWait(makeNotice('device/waiting', { process: holder.pid }, waits));
    told = true;
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw new Interrupted();
    });
  });
}

/** Who trains now; null if nobody does. */
export async function readTrainingHolder(home: string): Promise<LockRecord | null> {
  return readHolder(lockFile(home));
}

function lockFile(home: string): string {
  return path.join(home, 'training.lock');
}
