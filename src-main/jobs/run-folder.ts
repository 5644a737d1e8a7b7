/**
 * @file The run folder: which file is where, and run.json, which says what the run is.
 *
 *     run.json  events.jsonl  samples.jsonl  run.lock  adapter/ (or model/)  checkpoint-<step>/
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { formatSettings, needLess, type SmallerSettings } from '../../src-shared/domain/need-less.ts';
import { runConfigSchema } from '../../src-shared/schema/run-config.ts';
import { writeFileAtomically } from './atomic-files.ts';
import { systemErrorCode } from './file-errors.ts';

export const RUN_FILE = 'run.json';
export const EVENTS_FILE = 'events.jsonl';
export const SAMPLES_FILE = 'samples.jsonl';
export const LOCK_FILE = 'run.lock';

/** Names that a run makes in its folder; whatever else is there is the person's. */
export const RUN_FOLDER_ENTRY =
  /^(run\.json|events\.jsonl|samples\.jsonl|certificate\.json|run\.lock.*|adapter|model|checkpoint-\d+|\.partial-.*)$/;

const manifestSchema = z.object({
  format: z.literal(1),
  id: z.string().min(1),
  name: z.string(),
  /** Milliseconds since 1970. */
  created_at: z.number(),
  /** False until the engine has filled the gaps of the configuration. */
  resolved: z.boolean(),
  config: runConfigSchema,
});

/** What run.json holds. */
export type RunManifest = z.infer<typeof manifestSchema>;

/** A new run id: sorts by time, readable, safe as a folder name. */
export function createRunId(now = new Date()): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${randomBytes(2).toString('hex')}`;
}

export async function writeManifest(runDir: string, manifest: RunManifest): Promise<void> {
  await writeFileAtomically(path.join(runDir, RUN_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @throws run/not-a-run where the folder holds no readable run.json */
export async function readManifest(runDir: string): Promise<RunManifest> {
  const file = path.join(runDir, RUN_FILE);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '');
    throw notARun(runDir, isAbsent ? `it has no ${RUN_FILE}` : String(error));
  });
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notARun(runDir, `its ${RUN_FILE} is damaged (${issue?.path.join('.') || 'whole file'}: ${issue?.message})`);
}

/**
 * What to change in a run that memory ended, in words for a terminal.
 * @param proposal what the run itself has proposed before; null = nothing
 * @returns null where the folder says nothing of use
 */
export function adviseLess(runDir: string, proposal: SmallerSettings | null): string | null {
  const settings = proposal ?? readSmaller(runDir);
  if (settings === null) return null;
  const text = formatSettings(settings);
  return `Need less: ${text}\nGo on with: tunesmith resume ${runDir} ${text}`;
}

function readSmaller(runDir: string): SmallerSettings | null {
  try {
    return needLess(manifestSchema.parse(JSON.parse(readFileSync(path.join(runDir, RUN_FILE), 'utf8'))).config);
  } catch {
    return null;
  }
}

export async function isRunFolder(dir: string): Promise<boolean> {
  return readManifest(dir).then(
    () => true,
    () => false,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function notARun(runDir: string, reason: string): AppError {
  return new AppError('run/not-a-run', `${runDir} is no run folder: ${reason}`, {
    hint: 'Give the folder that `train` printed; `tunesmith runs list` shows them all.',
  });
}
