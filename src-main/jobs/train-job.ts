/**
 * @file The train job: everything about a run that is not computing. Takes the folder's lock, opens its logs and checkpoints, lets the
 * recipe train, and leaves the folder finished, resumable, or (where the run never began) as it was found.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import type { ResolvedRunConfig, RunConfig } from '../../src-shared/schema/run-config.ts';
import type { FineTune, TrainResult } from '../engine/recipes/contract.ts';
import { openCheckpointStore } from './checkpoint-store.ts';
import { chooseCheckpoint } from './choose-checkpoint.ts';
import { requireSpace } from './disk-space.ts';
import { openEventLog, type TimedEvent } from './event-log.ts';
import { toFailure } from './failure.ts';
import { createHost, type JobContext, stampEvent } from './job-process.ts';
import { makeFolder } from './make-folder.ts';
import type { TrainRequest } from './protocol.ts';
import { EVENTS_FILE, LOCK_FILE, readManifest, RUN_FILE, SAMPLES_FILE, writeManifest } from './run-folder.ts';
import { acquireRunLock } from './run-lock.ts';
import type { SetAside } from './set-aside.ts';

/** Until the configuration is resolved nothing is saved, so any number serves. */
const DEFAULT_LIMIT = 3;

/** Runs `fineTune` in the request's folder. @throws what the recipe throws, and run/exists, run/locked, disk/no-space */
export async function runTrainJob(
  fineTune: FineTune,
  request: TrainRequest,
  context: JobContext,
): Promise<TrainResult> {
  const { runDir, resume } = request;
  const firstMade = await prepareFolder(request);
  const lock = await acquireRunLock(runDir).catch(async (error: unknown) => {
    await removeMadeFolders(runDir, firstMade);
    throw error;
  });
  let began = resume;
  try {
    const session = openSession(request, context, () => (began = true));
    try {
      return await session.run(fineTune);
    } finally {
      session.close();
    }
  } catch (error) {
    // A run that memory was too short for goes on with smaller settings, even from before its first step.
    if (!began && !isOutOfMemory(error)) await discardRun(runDir);
    throw error;
  } finally {
    await lock.release();
    if (!began) await removeMadeFolders(runDir, firstMade);
  }
}

interface Session {
  run(fineTune: FineTune): Promise<TrainResult>;
  close(): void;
}

/** @param onBegin called when the recipe starts stepping: from then on the folder is worth keeping */
function openSession(request: TrainRequest, context: JobContext, onBegin: () => void): Session {
  const { runDir } = request;
  const log = openEventLog(runDir);
  let resolved: ResolvedRunConfig | null = null;
  let setAside: SetAside | null = null;
  let hasStarted = false;
  const report = (event: RunEvent) => {
    if (event.event === 'start') onBegin();
    const timed: TimedEvent = stampEvent(event);
    log.append(timed);
    context.send(timed);
    if (event.event !== 'start') return;
    hasStarted = true;
    if (setAside) report(describeSetAside(setAside, event.start_step));
  };
  const saveManifest = async (config: RunConfig, isResolved: boolean) => {
    const { id, name, createdAt } = request;
    await writeManifest(runDir, { format: 1, id, name, created_at: createdAt, resolved: isResolved, config });
  };
  const run = async (fineTune: FineTune) => {
    if (!request.resume) await saveManifest(request.config, false);
    const checkpoints = await openCheckpointStore({
      runDir,
      limit: () => resolved?.training.save_total_limit ?? DEFAULT_LIMIT,
      finalName: () => (resolved?.peft.peft_type === 'NONE' ? 'model' : 'adapter'),
      report,
    });
    const setResolved = async (config: ResolvedRunConfig) => {
      resolved = config;
      await saveManifest(config, true);
    };
    const chosen = request.resume ? await chooseCheckpoint(request, report) : null;
    setAside = chosen?.setAside ?? null;
    const host = createHost(context, report);
    const result = await fineTune({
      host,
      config: request.config,
      runDir,
      checkpoints,
      resume: chosen?.checkpoint ?? null,
      memoryCorrection: request.memoryCorrection ?? 1,
      setResolved,
    });
    report({ event: 'result', run_dir: runDir, ...result });
    return result;
  };
  return {
    run: (fineTune) =>
      run(fineTune).catch(async (error: unknown) => {
        if (!hasStarted) await setAside?.undo();
        reportFailure(error, report);
        throw error;
      }),
    close: () => log.close(),
  };
}

function isOutOfMemory(error: unknown): boolean {
  const failure = toFailure(error);
  return failure.kind === 'expected' && failure.error.code === 'memory/exhausted';
}

function describeSetAside({ dir }: SetAside, step: number): RunEvent {
  const message = `What came after step ${step} is kept as a run of its own: ${dir}`;
  return { event: 'notice', step, ...makeNotice('run/set-aside', { step, dir }, message) };
}

/** The end of a run that failed belongs into its log; where the disk is full it cannot be written, and need not be. */
function reportFailure(error: unknown, report: (event: RunEvent) => void): void {
  const failure = toFailure(error);
  if (failure.kind === 'interrupted' || (failure.kind === 'expected' && failure.error.code === 'disk/full')) return;
  const bug = { code: 'internal/bug', kind: 'environment' as const, hint: '', faults: [] };
  report(
    failure.kind === 'expected'
      ? { event: 'error', ...failure.error }
      : { event: 'error', ...bug, message: failure.message },
  );
}

/** @returns the outermost folder that had to be made, null if the run's folder was there */
async function prepareFolder({ runDir, resume }: TrainRequest): Promise<string | null> {
  if (resume) {
    await readManifest(runDir);
    await requireSpace(runDir, 0);
    return null;
  }
  const firstMade = await makeRunFolder(runDir);
  const present = (await readdir(runDir)).filter((name) => !name.startsWith(LOCK_FILE));
  if (present.includes(RUN_FILE)) {
    throw new AppError('run/exists', `${runDir} holds a run already`, {
      hint: `Go on with it: tunesmith resume ${runDir}\nOr choose another output folder.`,
    });
  }
  if (present.length > 0) {
    throw new AppError('run/folder-not-empty', `${runDir} is not empty (${present.slice(0, 3).join(', ')})`, {
      hint: 'Choose a new or empty output folder.',
    });
  }
  return firstMade;
}

/** @returns as `makeFolder`. @throws disk/no-space, also where there is not even room for the folder */
async function makeRunFolder(runDir: string): Promise<string | null> {
  const firstMade = await makeFolder(runDir).catch(async (error: unknown) => {
    if (error instanceof AppError && error.code === 'disk/full') await requireSpace(runDir, 0);
    throw error;
  });
  await requireSpace(runDir, 0).catch(async (error: unknown) => {
    await removeMadeFolders(runDir, firstMade);
    throw error;
  });
  return firstMade;
}

/** Takes back what a run that never began has written. */
async function discardRun(runDir: string): Promise<void> {
  const names = await readdir(runDir);
  const ours = names.filter((name) => [RUN_FILE, EVENTS_FILE, SAMPLES_FILE].includes(name));
  for (const name of ours) await rm(path.join(runDir, name), { recursive: true, force: true });
}

/** Removes the run's folder and its parents up to the outermost one that was made for it; a folder in use stays. */
async function removeMadeFolders(runDir: string, firstMade: string | null): Promise<void> {
  if (firstMade === null) return;
  for (let dir = path.resolve(runDir); dir.startsWith(path.resolve(firstMade)); dir = path.dirname(dir)) {
    const isRemoved = await rmdir(dir).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}
