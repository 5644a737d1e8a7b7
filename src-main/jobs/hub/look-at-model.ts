/**
 * @file What a model of the hub is, before anything large is downloaded: commit, files, configuration; every reason why it cannot be
 * used in one message.
 */
import { listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { HubFile, HubLook } from '../../../src-shared/domain/hub.ts';
import { checkModelName, type HubClient } from './hub-client.ts';
import {
  chooseFiles,
  type ChosenFiles,
  CONFIG_FILE,
  readShardNames,
  SINGLE_WEIGHTS,
  WEIGHTS_INDEX,
} from './choose-files.ts';
import { badAnswer, type HubSubject } from './hub-errors.ts';
import { readLicence } from './model-card.ts';

export const MAIN = 'main';

/** A look with the configuration that was read. */
export interface LookedAt extends Omit<HubLook, 'fit' | 'parameters' | 'context_tokens'> {
  readonly config: Readonly<Record<string, unknown>>;
}

export interface LookOptions {
  /** Branch, tag or commit. */
  readonly revision?: string;
  /** What the engine finds wrong with a configuration. */
  readonly judgeConfig: (config: Readonly<Record<string, unknown>>) => readonly Fault[];
}

const MOST_CONFIG_BYTES = 2e6;
const MOST_INDEX_BYTES = 64e6;
const MOST_FILES = 5_000;

const fileSchema = z.looseObject({
  type: z.string(),
  path: z.string(),
  size: z.number().nonnegative(),
  oid: z.string().nullish(),
  lfs: z.looseObject({ oid: z.string(), size: z.number().nonnegative() }).nullish(),
});

/** @throws hub/…, model/not-usable with everything that is wrong */
export async function lookAtModel(
  hub: HubClient,
  name: string,
  { revision = MAIN, judgeConfig }: LookOptions,
): Promise<LookedAt> {
  const model = checkModelName(name);
  const info = await readInfo(hub, { model, revision });
  const subject = { model: info.id, revision: info.sha, gated: info.gated };
  const listed = await listModelFiles(hub, subject);
  const shards = await readShards(hub, subject, listed);
  const chosen = chooseFiles(listed, shards);
  const config = listed.some((file) => file.name === CONFIG_FILE) ? await readConfig(hub, subject) : null;
  if (config === null || chosen.faults.length > 0) throw notUsable(info.id, chosen, config && judgeConfig(config));
  const faults = judgeConfig(config);
  if (faults.length > 0) throw notUsable(info.id, chosen, faults);
  return {
    id: info.id,
    revision: info.sha,
    requested_revision: revision,
    gated: info.gated,
    licence: info.licence,
    model_type: String(config['model_type']),
    files: chosen.files,
    total_bytes: chosen.files.reduce((sum, { bytes }) => sum + bytes, 0),
    config,
  };
}

interface Info {
  readonly id: string;
  readonly sha: string;
  readonly gated: boolean;
  readonly licence: string | null;
}

async function readInfo(hub: HubClient, subject: { model: string; revision: string }): Promise<Info> {
  const { model, revision } = subject;
  const info = await modelInfo({
    name: model,
    revision,
    hubUrl: hub.endpoint,
    fetch: hub.fetchFor(subject),
    additionalFields: ['sha', 'cardData', 'tags'],
  });
  const sha = typeof info.sha === 'string' && /^[0-9a-f]{7,64}$/.test(info.sha) ? info.sha : null;
  if (sha === null) throw badAnswer(subject, 'it names no commit');
  // A model that was renamed answers with its new name.
  const id = typeof info.name === 'string' ? checkModelName(info.name) : model;
  return { id, sha, gated: Boolean(info.gated), licence: readLicence(info) };
}

async function listModelFiles(hub: HubClient, subject: { model: string; revision: string }): Promise<HubFile[]> {
  const entries = listFiles({
    repo: { type: 'model', name: subject.model },
    revision: subject.revision,
    hubUrl: hub.endpoint,
    fetch: hub.fetchFor(subject),
  });
  const files: HubFile[] = [];
  for await (const entry of entries) {
    const parsed = fileSchema.safeParse(entry);
    if (!parsed.success) throw badAnswer(subject, 'its list of files');
    if (parsed.data.type === 'file' && !parsed.data.path.includes('/')) files.push(describeFile(parsed.data));
    if (files.length > MOST_FILES) throw badAnswer(subject, `more than ${MOST_FILES} files`);
  }
  return files;
}

function describeFile({ path: name, size, oid, lfs }: z.infer<typeof fileSchema>): HubFile {
  const sha256 = lfs ? lfs.oid.replace(/^sha256:/, '').toLowerCase() : null;
  const isHash = sha256 !== null && /^[0-9a-f]{64}$/.test(sha256);
  const git_id = !isHash && oid && /^[0-9a-f]{40}$/.test(oid) ? oid : null;
  return { name, bytes: lfs?.size ?? size, sha256: isHash ? sha256 : null, git_id };
}

/** @returns null where a single file serves, or the index is none */
async function readShards(
  hub: HubClient,
  subject: { model: string; revision: string },
  listed: readonly HubFile[],
): Promise<string[] | null> {
  const has = (name: string) => listed.some((file) => file.name === name);
  if (has(SINGLE_WEIGHTS) || !has(WEIGHTS_INDEX)) return null;
  const shards = readShardNames(await hub.readFile({ ...subject, file: WEIGHTS_INDEX }, MOST_INDEX_BYTES));
  if (shards === null) throw badAnswer({ ...subject, file: WEIGHTS_INDEX }, 'it names no .safetensors files');
  return shards;
}

async function readConfig(
  hub: HubClient,
  subject: HubSubject & { model: string; revision: string },
): Promise<Readonly<Record<string, unknown>>> {
  const file = { ...subject, file: CONFIG_FILE };
  const text = await hub.readFile(file, MOST_CONFIG_BYTES);
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return { ...config };
  } catch {
    // Said below.
  }
  throw badAnswer(file, 'it is no JSON object');
}

function notUsable(model: string, { faults }: ChosenFiles, configFaults: readonly Fault[] | null): AppError {
  const all = [...(configFaults ?? []), ...faults];
  const list = all.map(({ file, field, message }) => [field ?? file, message].filter(Boolean).join(' ')).join('; ');
  const [hint] = all.flatMap((fault) => fault.hint ?? []);
  return new AppError('model/not-usable', `${model} cannot be trained with Tunesmith: ${list}`, {
    hint: hint ? `${hint[0]?.toUpperCase()}${hint.slice(1)}.` : 'Choose another model; nothing was downloaded.',
    faults: all,
  });
}
