/**
 * @file Whether an adapter that was read belongs to a model: every tensor's module and shape, and the modules its settings name.
 */
import path from 'node:path';
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import {
  adapterName,
  splitAdapterName,
  TIED_HEAD,
  TIED_HEAD_WEIGHT,
  type AdapterPart,
} from '../formats/adapter-names.ts';
import {
  ADAPTER_CONFIG_FILE,
  ADAPTER_WEIGHTS_FILE,
  type AdapterTensor,
  type AdapterTensors,
  type PeftAdapter,
} from '../formats/peft-adapter.ts';
import { rankOf, type PeftAdapterConfig } from '../formats/peft-config.ts';
import type { Linear } from '../nn/linear.ts';
import { describeModules, listModules, moduleOf, type AdaptableModel } from './adaptable-model.ts';
import type { ReadBase } from './base-weights.ts';
import { matchPattern } from './module-patterns.ts';
import { selectTargets, type TargetSettings } from './select-targets.ts';
import { findTiedTable } from './tied-head.ts';

/** The linears that have an update in the file, in the order of the network. */
export function adaptedLinears(model: AdaptableModel, tensors: AdapterTensors): Linear[] {
  return model.linears.filter(({ path: module }) => tensors.has(adapterName(module, 'lora_A')));
}

/**
 * Everything about an adapter that does not fit.
 * @param dir its folder, for messages
 * @param read the model's own weights
 */
export async function findMisfits(
  model: AdaptableModel,
  adapter: PeftAdapter,
  dir: string,
  read: ReadBase,
): Promise<Fault[]> {
  const file = path.join(dir, ADAPTER_WEIGHTS_FILE);
  const faults = [...adapter.tensors].flatMap(([name, tensor]): Fault[] => {
    const fault = findTensorFault(model, adapter.config, name, tensor);
    return fault ? [{ file, field: name, ...fault }] : [];
  });
  const tied = await findTyingFault(model, adapter, read);
  if (tied) faults.push({ file, ...tied });
  // Where tensors are of another model, what the settings name says nothing more.
  if (faults.length > 0) return faults;
  return findSettingFaults(model, adapter, dir);
}

type Misfit = Pick<Fault, 'message' | 'hint'>;

function findTensorFault(
  model: AdaptableModel,
  config: PeftAdapterConfig,
  name: string,
  { shape }: AdapterTensor,
): Misfit | null {
  const { module, part } = splitAdapterName(name);
  if (part === 'weights') return findOwnTensorFault(model, name, shape);
  if (part === 'lora_embedding_A' || part === 'lora_embedding_B') {
    return { message: 'is an adapter on an embedding table, which is not supported' };
  }
  const linear = model.linears.find(({ path: known }) => known === module);
  if (linear === undefined) return explainUnknown(model, module);
  return compareShapes(shape, shapeOfPart(part, linear, rankOf(config, module)));
}

function findOwnTensorFault(model: AdaptableModel, name: string, shape: readonly number[]): Misfit | null {
  const own = model.weights.find((weight) => weight.name === name);
  if (own) return compareShapes(shape, own.shape);
  // Compared with the embedding beside it.
  if (name === TIED_HEAD_WEIGHT && model.facts.tiedEmbeddings) return null;
  return explainUnknown(model, moduleOf(name), name);
}

function shapeOfPart(
  part: Exclude<AdapterPart, 'weights' | 'lora_embedding_A' | 'lora_embedding_B'>,
  { inFeatures, outFeatures }: Linear,
  rank: number,
): number[] {
  if (part === 'lora_A') return [rank, inFeatures];
  return part === 'lora_B' ? [outFeatures, rank] : [outFeatures];
}

function compareShapes(got: readonly number[], wanted: readonly number[]): Misfit | null {
  if (got.length === wanted.length && got.every((side, i) => side === wanted[i])) return null;
  return { message: `must be [${wanted.join(', ')}] for this model, got [${got.join(', ')}]` };
}

function explainUnknown(model: AdaptableModel, module: string, tensor?: string): Misfit {
  if (module === TIED_HEAD && model.facts.tiedEmbeddings) {
    return { message: 'adapts the head, which shares the table of the token embedding in this model' };
  }
  const isModule = listModules(model).includes(module);
  if (tensor !== undefined && isModule) return { message: 'is no tensor of this model' };
  const linears = describeModules(model.linears.map(({ path: known }) => known));
  return { message: `is for a module that this model has not, ${module}`, hint: `its linears are ${linears}` };
}

/** PEFT parts a trained embedding from the head that shares its table, unless told otherwise; here they are always one. */
async function findTyingFault(
  model: AdaptableModel,
  { config, tensors }: PeftAdapter,
  read: ReadBase,
): Promise<(Misfit & { field: string }) | null> {
  const table = findTiedTable(model);
  if (table === null) return null;
  const head = tensors.get(TIED_HEAD_WEIGHT);
  const embedding = tensors.get(table);
  if (head === undefined && (embedding === undefined || config.ensure_weight_tying)) return null;
  const ofTable = embedding?.data ?? (await read(table));
  const ofHead = head?.data ?? (await read(table));
  if (ofTable.length === ofHead.length && ofTable.every((value, i) => value === ofHead[i])) return null;
  const hint = 'train it with ensure_weight_tying, or save the model with tie_word_embeddings false first';
  const message = 'parts embedding and head, which share one table in this model';
  return { field: embedding ? table : TIED_HEAD_WEIGHT, message, hint };
}

/** Modules that the settings name and the file lacks, and the other way round. */
function findSettingFaults(model: AdaptableModel, { config, tensors }: PeftAdapter, dir: string): Fault[] {
  const file = path.join(dir, ADAPTER_CONFIG_FILE);
  const faults: Fault[] = [];
  const settings = toTargetSettings(config, model);
  const pattern = settings.target_modules;
  // A pattern in Python's own syntax cannot be asked; the file says which modules it meant.
  if (typeof pattern === 'string' && 'problem' in matchPattern(pattern, [])) return [];
  const { linears } = selectTargets(model, settings, { file, prefix: '', strict: false }, faults);
  if (faults.length > 0) return faults;
  const named = new Set(linears.map(({ path: module }) => module));
  const present = new Set(adaptedLinears(model, tensors).map(({ path: module }) => module));
  const missing = [...named].filter((module) => !present.has(module));
  const surplus = [...present].filter((module) => !named.has(module));
  const weights = path.join(dir, ADAPTER_WEIGHTS_FILE);
  return [
    ...missing.map((module) => ({
      file: weights,
      field: adapterName(module, 'lora_A'),
      message: `is missing; ${ADAPTER_CONFIG_FILE} names this module`,
    })),
    ...surplus.map((module) => ({
      file: weights,
      field: adapterName(module, 'lora_A'),
      message: `is for a module that ${ADAPTER_CONFIG_FILE} does not name`,
    })),
  ];
}

/** PEFT takes the defaults of the model's kind where no targets are named. */
export function toTargetSettings(config: PeftAdapterConfig, model: AdaptableModel): TargetSettings {
  return {
    target_modules: config.target_modules ?? [...model.defaultTargets],
    exclude_modules: config.exclude_modules,
    layers_to_transform: config.layers_to_transform,
    layers_pattern: config.layers_pattern,
    modules_to_save: config.modules_to_save ?? [],
  };
}
