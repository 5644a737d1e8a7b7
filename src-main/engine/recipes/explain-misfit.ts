/**
 * @file What keeps a folder from being a model that the engine computes: all differences of its config.json and of its tensors in one
 * message, and for an architecture that the engine lacks the one that comes nearest.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { listWeightNames, readStoredQuantization, storedKindOf } from '../formats/bitsandbytes.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import { transposeTensors } from '../formats/transposed.ts';
import { forgiveFaults } from '../models/config-reader.ts';
import type { AnyModel } from '../models/model.ts';
import { makeModel, MODEL_TYPES } from '../models/registry.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { renameTensors } from './model-view.ts';

/** A family whose tensors are named like at least this share of the files' is told as the nearest one. */
const NEAR = 0.6;
const MISSING = 'is missing';

/** The model of config.json. @throws model/bad-config, model/unknown-type with all differences */
export function makeModelOf(files: ModelFolder, labels: number | null): AnyModel {
  try {
    return makeModel(files.config, labels, files);
  } catch (error) {
    throw error instanceof AppError ? withTensors(error, files, labels) : error;
  }
}

/** @throws model/unsupported-quantization, model/no-head, model/does-not-fit with all differences */
export function requireFit(files: ModelFolder, folder: ModelFolder, model: AnyModel): void {
  readStoredQuantization(files.config, files.configPath);
  const faults = compareTensors(files, folder, model);
  if (faults.length === 0) return;
  if (lacksOnlyItsHead(faults, model)) {
    throw new AppError(
      'model/no-head',
      `${files.path} is an encoder without a head: it foretells neither words nor classes`,
      {
        faults,
        hint: 'Train it as a classifier on rows of text and label; or give a checkpoint with a head (…ForMaskedLM, …ForSequenceClassification).',
      },
    );
  }
  const [first] = faults as [Fault];
  throw new AppError(
    'model/does-not-fit',
    `${files.path}: the weights do not fit config.json (${countOf(faults)}; ${first.field} ${first.message})`,
    { faults, hint: 'Get all files of the model again, from one place.' },
  );
}

function lacksOnlyItsHead(faults: readonly Fault[], model: AnyModel): boolean {
  if (model.kind !== 'masked') return false;
  const head = new Set(model.headWeights);
  return faults.every(({ field, message }) => message === MISSING && head.has(field ?? ''));
}

/** Missing tensors, wrong shapes, and tensors inside the blocks that the architecture knows nothing of. */
function compareTensors(files: ModelFolder, folder: ModelFolder, model: AnyModel): Fault[] {
  const faults: Fault[] = [];
  for (const { name, shape } of model.weights) {
    if (!folder.has(name)) {
      faults.push({ file: files.path, field: name, message: MISSING });
      continue;
    }
    const found = folder.entry(name).shape;
    if (storedKindOf(folder, name) !== 'nf4' && found.join() !== shape.join()) {
      const message = `has the shape [${found.join(', ')}], config.json says [${shape.join(', ')}]`;
      faults.push({ file: folder.fileOf(name), field: name, message });
    }
  }
  const isKnown = new Set(model.weights.map(({ name }) => name));
  const isInside = blocksOf(model);
  for (const name of listWeightNames(folder)) {
    // Beside the blocks stands what changes nothing: other heads, parts for pictures. Beside faults all is told.
    if (isKnown.has(name) || (faults.length === 0 && !isInside(name))) continue;
    faults.push({ file: folder.fileOf(name), field: name, message: 'is not part of this architecture' });
  }
  return faults;
}

/** Whether a tensor belongs to one of the numbered blocks, be it one too many. */
function blocksOf({ weights }: AnyModel): (name: string) => boolean {
  const lists = new Set(weights.flatMap(({ name }) => /^(.*?\.)\d+\./.exec(name)?.[1] ?? []));
  return (name) => {
    const list = /^(.*?\.)\d+\./.exec(name)?.[1];
    return list !== undefined && lists.has(list);
  };
}

/** The faults of config.json, and what else differs where its sizes can be read. */
function withTensors(error: AppError, files: ModelFolder, labels: number | null): AppError {
  if (error.code === 'model/unknown-type') return withNearest(error, files);
  if (error.code !== 'model/bad-config') return error;
  const stored = quantizationFaults(files);
  const more = stored.length > 0 ? stored : tensorFaults(files, labels);
  if (more.length === 0) return error;
  const faults = [...error.faults, ...more];
  const message = `${error.message}; with the weights ${countOf(faults)} in all`;
  return new AppError(error.code, message, { hint: error.hint, faults });
}

function tensorFaults(files: ModelFolder, labels: number | null): Fault[] {
  const kept = forgiveFaults(files.config);
  const model = tryModel(() => makeModel(kept.config, labels, files));
  if (model === null || !kept.sizesAreKnown) return [];
  return compareTensors(files, viewOf(files, model), model);
}

function viewOf(files: ModelFolder, model: AnyModel): ModelFolder {
  const transposed = transposedNames(model.weights);
  return transposeTensors(renameTensors(files, model), (name) => transposed.has(name));
}

/** @returns null where faulty settings make no model at all */
function tryModel(make: () => AnyModel): AnyModel | null {
  try {
    return make();
  } catch {
    return null; // the faults themselves are told already
  }
}

/** Other methods than bitsandbytes' two hold tensors of their own kinds: nothing else of them can be compared. */
function quantizationFaults(files: ModelFolder): readonly Fault[] {
  try {
    readStoredQuantization(files.config, files.configPath);
    return [];
  } catch (error) {
    if (error instanceof AppError) return error.faults;
    throw error;
  }
}

interface Nearest {
  readonly type: string;
  readonly share: number;
  readonly faults: readonly Fault[];
}

/** Names the supported architecture whose tensors are most like these, and how it differs. */
function withNearest(error: AppError, files: ModelFolder): AppError {
  const found = MODEL_TYPES.map((type) => compareWith(type, files)).filter((one) => one !== null);
  const [best] = found.sort((a, b) => b.share - a.share);
  const stored = quantizationFaults(files);
  if (!best || best.share < NEAR) return withFaults(error, error.message, stored);
  const differs =
    best.faults.length > 0 ? ' with other tensors' : ' by the names of its tensors, though it may compute otherwise';
  const message = `${error.message}; the nearest architecture is ${best.type},${differs}`;
  return withFaults(error, message, [...stored, ...best.faults]);
}

function withFaults(error: AppError, message: string, more: readonly Fault[]): AppError {
  return new AppError(error.code, message, { hint: error.hint, faults: [...error.faults, ...more] });
}

function compareWith(type: string, files: ModelFolder): Nearest | null {
  const kept = forgiveFaults({ ...files.config, model_type: type });
  const model = tryModel(() => makeModel(kept.config, null, files));
  if (model === null || !kept.sizesAreKnown) return null;
  const held = new Set(listWeightNames(renameTensors(files, model)));
  const needed = new Set(model.weights.map(({ name }) => name));
  const missing = [...needed].filter((name) => !held.has(name));
  const foreign = [...held].filter((name) => !needed.has(name));
  const fault = (name: string, message: string): Fault => ({ file: files.path, field: name, message });
  return {
    type,
    share: (needed.size - missing.length) / (needed.size + foreign.length),
    faults: [
      ...kept.faults,
      ...byPattern(missing).map((name) => fault(name, `is missing; ${type} has it`)),
      ...byPattern(foreign).map((name) => fault(name, `is not part of ${type}`)),
    ],
  };
}

/** Names that differ in their numbers only are told once: `model.layers.*.mlp.up_proj.weight`. */
function byPattern(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.replace(/\.\d+(?=\.)/g, '.*')))];
}

const countOf = ({ length }: readonly Fault[]): string => `${length} ${length === 1 ? 'difference' : 'differences'}`;
