/**
 * @file What a stored model predicts: the classes that an adapter, trained weights or config.json tell of; or nothing of the kind.
 *
 * PEFT's adapters hold the head and know no names; ours keep names and problem type in the header of their weights. config.json has them
 * under transformers' names (id2label, problem_type).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PROBLEM_TYPES, type ProblemType } from '../../../src-shared/schema/run-config.ts';
import type { ClassSet } from '../data/class-labels.ts';
import { isJsonObject, type JsonObject } from '../formats/json-file.ts';
import { type ModelFolder, SINGLE_FILE } from '../formats/model-folder.ts';
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE } from '../formats/peft-adapter.ts';
import { openSafetensors } from '../formats/safetensors.ts';

const HEAD_WEIGHT = /(?:^|\.)(?:score|classifier|classifier\.out_proj)(?:\.modules_to_save(?:\.default)?)?\.weight$/;
const METADATA = { labels: 'labels', problemType: 'problem_type' } as const;

/** For the header of an adapter's or a checkpoint's weights. */
export function classMetadata({ names, problemType }: ClassSet): Record<string, string> {
  return { [METADATA.labels]: JSON.stringify(names), [METADATA.problemType]: problemType };
}

/** Names as transformers gives them where nobody did. */
export const genericNames = (count: number): string[] => Array.from({ length: count }, (_, id) => `LABEL_${id}`);

/**
 * Classes of a model with its adapter. What cannot be read here is left to those who open it and say why.
 * @returns null for language models
 */
export async function findClasses(folder: ModelFolder, adapterDir: string | null): Promise<ClassSet | null> {
  const own = classesOfModel(folder);
  const head = adapterDir === null ? null : await readHead(adapterDir);
  if (head === null) return own;
  const count = head.names?.length ?? head.count ?? own?.names.length ?? null;
  if (count === null) return null;
  const known = own?.names.length === count ? own.names : genericNames(count);
  const problemType = head.problemType ?? own?.problemType ?? problemTypeOf(folder.config, count);
  return { names: head.names ?? known, problemType };
}

/** Classes of a model by its config.json; null where it is no classifier. */
export function classesOfModel(folder: Pick<ModelFolder, 'config' | 'names' | 'entry'>): ClassSet | null {
  const { config } = folder;
  const [architecture] = Array.isArray(config['architectures']) ? (config['architectures'] as unknown[]) : [];
  if (typeof architecture !== 'string' || !/ForSequenceClassification$/.test(architecture)) return null;
  const head = folder.names().find((name) => HEAD_WEIGHT.test(name));
  const stored = head === undefined ? undefined : folder.entry(head).shape[0];
  const names = namesOf(config);
  const count = stored ?? names?.length ?? (typeof config['num_labels'] === 'number' ? config['num_labels'] : 2);
  return {
    names: names?.length === count ? names : genericNames(count),
    problemType: problemTypeOf(config, count),
  };
}

function namesOf({ id2label }: JsonObject): string[] | null {
  if (!isJsonObject(id2label)) return null;
  const entries = Object.entries(id2label).sort(([a], [b]) => Number(a) - Number(b));
  return entries.map(([, name]) => String(name));
}

/** As transformers concludes where config.json says nothing. */
function problemTypeOf({ problem_type: said }: JsonObject, count: number): ProblemType {
  const known = PROBLEM_TYPES.find((type) => type === said);
  return known ?? (count === 1 ? 'regression' : 'single_label_classification');
}

interface StoredHead {
  readonly names: readonly string[] | null;
  readonly problemType: ProblemType | null;
  readonly count: number | null;
}

/** @returns null where the folder holds no head */
async function readHead(dir: string): Promise<StoredHead | null> {
  const config = await readFile(path.join(dir, ADAPTER_CONFIG_FILE), 'utf8').catch(() => null);
  const taskType = config === null ? null : parseTaskType(config);
  const file = path.join(dir, config === null ? SINGLE_FILE : ADAPTER_WEIGHTS_FILE);
  const opened = await openSafetensors(file).catch(() => null);
  if (opened === null) return null;
  try {
    const names = parseNames(opened.metadata[METADATA.labels]);
    const said = opened.metadata[METADATA.problemType];
    const head = [...opened.entries()].find(([name]) => HEAD_WEIGHT.test(name));
    if (names === null && (taskType !== 'SEQ_CLS' || head === undefined)) return null;
    return {
      names,
      problemType: PROBLEM_TYPES.find((type) => type === said) ?? null,
      count: head?.[1].shape[0] ?? null,
    };
  } finally {
    await opened.close();
  }
}

function parseTaskType(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value['task_type'] : null;
  } catch {
    return null; // opening the adapter says what is wrong with it
  }
}

function parseNames(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(String) : null;
  } catch {
    return null;
  }
}
