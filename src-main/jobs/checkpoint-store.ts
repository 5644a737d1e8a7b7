/**
 * @file Checkpoints of one run on disk.
 *
 * `checkpoint-<step>/` is written beside, flushed and renamed. Its state.json comes last and lists size and checksum of every other
 * file; a folder without it, or with a file that does not match, is never picked, and the next older one is.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { JsonValue } from '../../src-shared/domain/json.ts';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import type { CheckpointStore, CheckpointToSave, LoadedCheckpoint } from '../engine/recipes/contract.ts';
import {
  describeFile,
  type FileRecord,
  folderBytes,
  removeFolder,
  removeLeftovers,
  writeFolderAtomically,
} from './atomic-files.ts';
import { requireSpace } from './disk-space.ts';

const STATE_FILE = 'state.json';
const FOLDER_NAME = /^checkpoint-(\d+)$/;

const stateSchema = z.object({
  format: z.literal(1),
  step: z.int().nonnegative(),
  best: z.boolean(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
  state: z.json(),
});

/** A checkpoint whose state.json is readable and whose files have the right sizes. */
export interface CheckpointOnDisk extends LoadedCheckpoint {
  readonly records: Readonly<Record<string, FileRecord>>;
  readonly bytes: number;
}

export interface CheckpointStoreOptions {
  readonly runDir: string;
  /** How many to keep; the newest and the best are kept in any case. */
  readonly limit: () => number;
  /** Name of the folder that the final result goes to. */
  readonly finalName: () => string;
  readonly report: (event: RunEvent) => void;
}

/** The caller holds the run's lock. */
export async function openCheckpointStore(options: CheckpointStoreOptions): Promise<CheckpointStore> {
  const { runDir, report } = options;
  await removeLeftovers(runDir);
  return {
    requireSpace: (checkpointBytes) => requireSpace(runDir, checkpointBytes * (options.limit() + 2)),
    async save(checkpoint) {
      const saved = await writeCheckpoint(runDir, checkpoint);
      report({ event: 'checkpoint', step: saved.step, path: saved.dir, best: saved.best });
      await removeSuperseded(runDir, options.limit());
      return saved;
    },
    async loadBest() {
      const found = await findVerified((await listCheckpoints(runDir)).filter(({ best }) => best));
      return found.checkpoint;
    },
    async writeFinal(files) {
      const dir = path.join(runDir, options.finalName());
      await writeFolderAtomically(dir, files);
      return dir;
    },
  };
}

/** Complete checkpoints, newest first. Checksums are not looked at: see `findVerified`. */
export async function listCheckpoints(runDir: string): Promise<CheckpointOnDisk[]> {
  const names = (await readdir(runDir).catch(() => [])).filter((name) => FOLDER_NAME.test(name));
  const found = await Promise.all(names.map((name) => readCheckpoint(path.join(runDir, name))));
  return found.filter((checkpoint) => checkpoint !== null).sort((a, b) => b.step - a.step);
}

/**
 * The first whose files have the checksums they were written with.
 * @returns with it the damaged ones that were passed over
 */
export async function findVerified(
  candidates: readonly CheckpointOnDisk[],
): Promise<{ checkpoint: CheckpointOnDisk | null; damaged: CheckpointOnDisk[] }> {
  const damaged: CheckpointOnDisk[] = [];
  for (const checkpoint of candidates) {
    if (await isIntact(checkpoint)) return { checkpoint, damaged };
    damaged.push(checkpoint);
  }
  return { checkpoint: null, damaged };
}

/** Drops what lies beyond the step that a run is resumed from: damaged, or of a past that will be written anew. */
export async function removeCheckpointsBeyond(runDir: string, step: number): Promise<void> {
  const names = await readdir(runDir);
  const beyond = names.filter((name) => Number(FOLDER_NAME.exec(name)?.[1] ?? -1) > step);
  for (const name of beyond) await removeFolder(path.join(runDir, name));
}

async function writeCheckpoint(runDir: string, checkpoint: CheckpointToSave): Promise<LoadedCheckpoint> {
  const { step, best, state, files } = checkpoint;
  const dir = path.join(runDir, `checkpoint-${step}`);
  await writeFolderAtomically(dir, files, {
    name: STATE_FILE,
    content: (records) => `${JSON.stringify({ format: 1, step, best, files: records, state })}\n`,
  });
  return { step, dir, best, state, files: [...files.keys()] };
}

async function readCheckpoint(dir: string): Promise<CheckpointOnDisk | null> {
  const text = await readFile(path.join(dir, STATE_FILE), 'utf8').catch(() => null);
  const parsed = text === null ? null : parseState(text);
  if (parsed === null) return null;
  const { step, best, files: records } = parsed;
  const names = Object.keys(records);
  const sizes = await Promise.all(names.map((name) => stat(path.join(dir, name)).catch(() => null)));
  const isComplete = names.every((name, index) => sizes[index]?.size === records[name]?.bytes);
  const state = parsed.state as JsonValue;
  return isComplete ? { step, dir, best, state, files: names, records, bytes: await folderBytes(dir) } : null;
}

function parseState(text: string): z.infer<typeof stateSchema> | null {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

async function isIntact({ dir, records }: CheckpointOnDisk): Promise<boolean> {
  for (const [name, record] of Object.entries(records)) {
    const found = await describeFile(path.join(dir, name)).catch(() => null);
    if (found?.bytes !== record.bytes || found.sha256 !== record.sha256) return false;
  }
  return true;
}

/** The newest and the best stay, then the next newest until the limit is reached. */
async function removeSuperseded(runDir: string, limit: number): Promise<void> {
  const all = await listCheckpoints(runDir);
  const best = all.find((checkpoint) => checkpoint.best);
  const kept = new Set([all[0], best].filter((checkpoint) => checkpoint !== undefined));
  for (const checkpoint of all) if (kept.size < limit) kept.add(checkpoint);
  for (const checkpoint of all) if (!kept.has(checkpoint)) await removeFolder(checkpoint.dir);
}
