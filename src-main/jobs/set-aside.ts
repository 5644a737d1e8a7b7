/**
 * @file Going back in a run without losing what came later: the later checkpoints, the result and a copy of the logs move into
 * `<run>-set-aside-<id>` beside the run's folder. That is a run of its own: it can be shown, compared, exported and resumed.
 */
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { PARTIAL_MARK } from './atomic-files.ts';
import { listCheckpoints } from './checkpoint-store.ts';
import { systemErrorCode, withFileErrors } from './file-errors.ts';
import { createRunId, EVENTS_FILE, readManifest, SAMPLES_FILE, writeManifest } from './run-folder.ts';

const RESULTS = ['adapter', 'model', 'certificate.json'];

export interface SetAside {
  /** Absolute path of the run that it became. */
  readonly dir: string;
  /** Puts everything back, where going back came to nothing. */
  undo(): Promise<void>;
}

/**
 * Sets aside what a run has beyond a step; the caller holds the run's lock.
 * @returns null where there is no later checkpoint
 */
export async function setAsideBeyond(runDir: string, step: number): Promise<SetAside | null> {
  const later = (await listCheckpoints(runDir)).filter((checkpoint) => checkpoint.step > step);
  const [newest] = later;
  if (!newest) return null;
  // Newest first: a crash on the way leaves a run whose newest checkpoint is the newest of what it tells.
  const names = [...later.map(({ dir }) => path.basename(dir)), ...RESULTS];
  return withFileErrors(runDir, async () => {
    const dir = await makeRun(runDir, newest.step);
    await moveAll(names, runDir, dir);
    return {
      dir,
      async undo() {
        await moveAll(names.reverse(), dir, runDir);
        await rm(dir, { recursive: true });
      },
    };
  });
}

/** Runs that were set aside from this one, absolute paths. */
export async function listSetAside(runDir: string): Promise<string[]> {
  const parent = path.dirname(runDir);
  const names = await readdir(parent).catch(() => []);
  return names.filter((name) => name.startsWith(asideName(runDir, ''))).map((name) => path.join(parent, name));
}

/** A run folder with the logs, and a run.json of its own; it appears whole. */
async function makeRun(runDir: string, lastStep: number): Promise<string> {
  const manifest = await readManifest(runDir);
  const id = createRunId();
  const partial = path.join(runDir, `${PARTIAL_MARK}set-aside-${id}`);
  await mkdir(partial);
  for (const name of [EVENTS_FILE, SAMPLES_FILE]) {
    await unlessMissing(copyFile(path.join(runDir, name), path.join(partial, name)));
  }
  await writeManifest(partial, { ...manifest, id, name: `${manifest.name} (set aside at step ${lastStep})` });
  const dir = path.join(path.dirname(runDir), asideName(runDir, id));
  await rename(partial, dir);
  return dir;
}

async function moveAll(names: readonly string[], from: string, to: string): Promise<void> {
  for (const name of names) await unlessMissing(rename(path.join(from, name), path.join(to, name)));
}

function asideName(runDir: string, id: string): string {
  return `${path.basename(runDir)}-set-aside-${id}`;
}

async function unlessMissing(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  });
}
