/**
 * @file A model that is being downloaded, on disk.
 *
 *     <dir>/.partial-download/plan.json     what is to come, written once
 *     <dir>/.partial-download/<file>.part   what has come so far
 *     <dir>/.partial-download/lock          who works on it
 *     <dir>/.tunesmith-download.json        afterwards: where it came from
 *
 * No file has its name before all are whole and checked; config.json, without which no folder is a model, comes last. So a folder
 * that was cut off at any moment is no model, and the next download into it goes on.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { HubFile } from '../../../src-shared/domain/hub.ts';
import { flushFolder, PARTIAL_MARK, writeFileAtomically } from '../atomic-files.ts';
import { withFileErrors } from '../file-errors.ts';
import { CONFIG_FILE } from './choose-files.ts';

export const RECORD_FILE = '.tunesmith-download.json';
const STAGING = `${PARTIAL_MARK}download`;
const PART = '.part';

/** What is downloaded, and from where. */
export interface DownloadPlan {
  /** `maker/name`. */
  readonly model: string;
  /** Commit. */
  readonly revision: string;
  readonly requested_revision: string;
  readonly licence: string | null;
  readonly gated: boolean;
  readonly files: readonly HubFile[];
}

/** What is kept beside a downloaded model. */
export interface DownloadRecord extends DownloadPlan {
  readonly finished_at: number;
}

const planSchema = z.looseObject({
  model: z.string(),
  revision: z.string(),
  requested_revision: z.string(),
  licence: z.string().nullable(),
  gated: z.boolean(),
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^[\w.-]+$/),
      bytes: z.number().nonnegative(),
      sha256: z.string().nullable(),
      git_id: z.string().nullable(),
    }),
  ),
});
const recordSchema = planSchema.extend({ finished_at: z.number() });

export function stagingFolder(dir: string): string {
  return path.join(dir, STAGING);
}

export function lockFile(dir: string): string {
  return path.join(stagingFolder(dir), 'lock');
}

/** Where the bytes of a file are until all files are whole. */
export function partFile(dir: string, name: string): string {
  return path.join(stagingFolder(dir), `${name}${PART}`);
}

/** @returns null where nothing was begun, or what was begun cannot be read */
export async function readPlan(dir: string): Promise<DownloadPlan | null> {
  return parse(planSchema, await readFile(planFile(dir), 'utf8').catch(() => null));
}

export async function writePlan(dir: string, plan: DownloadPlan): Promise<void> {
  await writeFileAtomically(planFile(dir), `${JSON.stringify(plan, null, 1)}\n`);
}

/** @returns null where the folder is no finished download */
export async function readRecord(dir: string): Promise<DownloadRecord | null> {
  return parse(recordSchema, await readFile(path.join(dir, RECORD_FILE), 'utf8').catch(() => null));
}

/** Bytes that have come so far, in their places or not. */
export async function countDone(dir: string, { files }: DownloadPlan): Promise<number> {
  const sizes = await Promise.all(files.map((file) => countFile(dir, file)));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** A file that was put in its place by a download that was cut off while it did so is taken back, to be checked again. */
export async function takeBack(dir: string, { files }: DownloadPlan): Promise<void> {
  for (const { name } of files) {
    const [placed, part] = [path.join(dir, name), partFile(dir, name)];
    const isPlaced = (await sizeOf(placed)) !== null && (await sizeOf(part)) === null;
    if (isPlaced) await rename(placed, part);
  }
}

/** Gives all files their names; afterwards the folder is a model. */
export async function putInPlace(dir: string, plan: DownloadPlan, now: number): Promise<void> {
  await withFileErrors(dir, async () => {
    const last = plan.files.filter(({ name }) => name === CONFIG_FILE);
    const others = plan.files.filter(({ name }) => name !== CONFIG_FILE);
    for (const { name } of others) await rename(partFile(dir, name), path.join(dir, name));
    const record: DownloadRecord = { ...plan, finished_at: now };
    await writeFileAtomically(path.join(dir, RECORD_FILE), `${JSON.stringify(record, null, 1)}\n`);
    await flushFolder(dir);
    for (const { name } of last) await rename(partFile(dir, name), path.join(dir, name));
    await rm(stagingFolder(dir), { recursive: true, force: true });
    await flushFolder(dir);
  });
}

export async function makeStaging(dir: string): Promise<void> {
  await withFileErrors(dir, () => mkdir(stagingFolder(dir), { recursive: true }));
}

/** Deletes the bytes that have come so far. */
export async function removeParts(dir: string): Promise<void> {
  const names = await readdir(stagingFolder(dir));
  const parts = names.filter((name) => name.endsWith(PART));
  await Promise.all(parts.map((name) => rm(path.join(stagingFolder(dir), name), { force: true })));
}

/** Deletes what has come so far, and the folder and its maker's if nothing else is in them. */
export async function removeStaging(dir: string): Promise<void> {
  const plan = await readPlan(dir);
  if (plan) await takeBack(dir, plan);
  await rm(stagingFolder(dir), { recursive: true, force: true });
  await removeIfEmpty(dir);
}

/** @returns bytes that were freed; files that are not the download's stay */
export async function removeDownloaded(dir: string, { files }: DownloadRecord): Promise<number> {
  // Without its configuration it is no model from here on, whatever comes.
  const names = [CONFIG_FILE, ...files.map(({ name }) => name).filter((name) => name !== CONFIG_FILE), RECORD_FILE];
  let freed = 0;
  for (const name of names) {
    const file = path.join(dir, name);
    freed += (await sizeOf(file)) ?? 0;
    await withFileErrors(file, () => rm(file, { force: true }));
  }
  await removeIfEmpty(dir);
  return freed;
}

async function removeIfEmpty(dir: string): Promise<void> {
  for (const folder of [dir, path.dirname(dir)]) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

function planFile(dir: string): string {
  return path.join(stagingFolder(dir), 'plan.json');
}

async function countFile(dir: string, { name, bytes }: HubFile): Promise<number> {
  const found = (await sizeOf(partFile(dir, name))) ?? (await sizeOf(path.join(dir, name))) ?? 0;
  return Math.min(bytes, found);
}

async function sizeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ size }) => size,
    () => null,
  );
}

function parse<T>(schema: z.ZodType<T>, text: string | null): T | null {
  if (text === null) return null;
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
