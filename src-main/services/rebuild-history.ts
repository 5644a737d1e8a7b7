/**
 * @file Reads runs back from their folders into the history: after a crash (what the job told but core never wrote), after the
 * database was damaged, and for folders that came from elsewhere.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunRecord, RunState } from '../../src-shared/domain/history.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import { listCheckpoints } from '../jobs/checkpoint-store.ts';
import { effectiveEvents, readEvents, type TimedEvent } from '../jobs/event-log.ts';
import { readManifest } from '../jobs/run-folder.ts';
import { readRunHolder } from '../jobs/run-lock.ts';
import { listSetAside } from '../jobs/set-aside.ts';
import { keepCheckpoints } from '../store/checkpoints.ts';
import { inTransaction, type WritableDb } from '../store/database.ts';
import { deleteFigures } from '../store/metrics.ts';
import { deleteRun, findRun, findRunByDir, insertRun, listRunsByState, updateRun } from '../store/runs.ts';
import { describeConfig } from './describe-run.ts';
import type { Notice } from './notice.ts';
import { recordEvent } from './run-recorder.ts';

/** A run is recorded a moment before its job takes the lock. */
const START_GRACE_MS = 60_000;

/**
 * Reads one run folder. What only the history knows (tags, notes, a chosen name) stays.
 * @throws run/not-a-run
 */
export async function rebuildRun(db: WritableDb, runDir: string): Promise<RunRecord> {
  const manifest = await readManifest(runDir);
  const { id } = manifest;
  const events = effectiveEvents(readEvents(runDir));
  const steps = (await listCheckpoints(runDir)).map(({ step }) => step);
  const isHeld = (await readRunHolder(runDir)) !== null;
  const columns = describeConfig(manifest.config);
  const before = findRun(db, id);
  await rebuildSetAside(db, runDir);
  inTransaction(db, () => {
    const moved = findRunByDir(db, runDir);
    if (moved && moved.id !== id) deleteRun(db, moved.id);
    const { name, created_at } = manifest;
    if (before) updateRun(db, id, { ...columns, dir: runDir });
    else insertRun(db, { id, name, dir: runDir, state: 'preparing', created_at, ...columns });
    deleteFigures(db, id);
    for (const event of events) recordEvent(db, id, inFolder(runDir, event));
    if (!existsSync(findRun(db, id)?.adapter_dir ?? '')) updateRun(db, id, { adapter_dir: null });
    keepCheckpoints(db, id, steps);
    const state = isHeld ? 'running' : stateAfter(events, before);
    updateRun(db, id, { state, ended_at: isHeld ? null : (events.at(-1)?.at ?? created_at) });
  });
  return found(db, id);
}

/** Reads the runs that were set aside from one, unless they are known. @returns those that were not */
export async function rebuildSetAside(db: WritableDb, runDir: string): Promise<RunRecord[]> {
  const unknown = (await listSetAside(runDir)).filter((dir) => findRunByDir(db, dir) === null);
  const rebuilt = await Promise.all(unknown.map((dir) => rebuildRun(db, dir).catch(ignoreForeignFolder)));
  return rebuilt.filter((run) => run !== null);
}

/** What an event tells of files, as they lie now: the folder may have been moved, or set aside. */
function inFolder(runDir: string, event: TimedEvent): TimedEvent {
  const moved = (file: string) => path.join(runDir, path.basename(file));
  if (event.event === 'checkpoint') return { ...event, path: moved(event.path) };
  return event.event === 'result' ? { ...event, adapter_dir: moved(event.adapter_dir) } : event;
}

/** Reads all folders of a runs folder. @returns how many runs there were */
export async function rebuildHistory(db: WritableDb, runsFolder: string): Promise<number> {
  const dirs = listFolders(runsFolder).map((name) => path.join(runsFolder, name));
  const rebuilt = await Promise.all(dirs.map((dir) => rebuildRun(db, dir).catch(ignoreForeignFolder)));
  return rebuilt.filter((run) => run !== null).length;
}

/** Finds runs that are said to be running while nobody runs them, reads what they left and offers them for resuming. */
export async function recoverOrphans(db: WritableDb, onNotice: (notice: Notice) => void): Promise<RunRecord[]> {
  const suspects = [...listRunsByState(db, 'running'), ...listRunsByState(db, 'preparing')];
  const recovered: RunRecord[] = [];
  for (const run of suspects) {
    if ((await readRunHolder(run.dir)) !== null) continue;
    if (run.state === 'preparing' && Date.now() - run.created_at < START_GRACE_MS) continue;
    const rebuilt = await rebuildRun(db, run.dir).catch(ignoreForeignFolder);
    if (rebuilt === null) {
      markLost(db, run);
      continue;
    }
    recovered.push(rebuilt);
    if (rebuilt.state !== 'interrupted') continue;
    const message = `The run "${rebuilt.name}" was cut off at step ${rebuilt.step}.`;
    const told = makeNotice('run/interrupted', { name: rebuilt.name, step: rebuilt.step }, message);
    onNotice({ ...told, command: `tunesmith resume ${rebuilt.id}` });
  }
  return recovered;
}

/** How a run that nobody works on ended. */
function stateAfter(events: readonly TimedEvent[], before: RunRecord | null): RunState {
  const last = events.findLast(({ event }) => event === 'start' || event === 'result' || event === 'error');
  if (last?.event === 'result') return 'finished';
  if (last?.event === 'error') return 'failed';
  return before && (before.state === 'paused' || before.state === 'stopped') ? before.state : 'interrupted';
}

function markLost(db: WritableDb, run: RunRecord): void {
  updateRun(db, run.id, {
    state: 'failed',
    ended_at: Date.now(),
    error_code: 'run/folder-missing',
    error_message: `The run's folder is gone: ${run.dir}`,
    error_hint: 'Remove the run from the history, or put the folder back.',
  });
}

function ignoreForeignFolder(error: unknown): null {
  if (error instanceof AppError && error.code === 'run/not-a-run') return null;
  throw error;
}

function listFolders(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // no run was ever kept here
  }
}

function found(db: WritableDb, id: string): RunRecord {
  const run = findRun(db, id);
  if (!run) throw new Error(`internal: run ${id} vanished`);
  return run;
}
