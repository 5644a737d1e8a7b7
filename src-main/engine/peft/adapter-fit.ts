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
import {
  describeModules,
  listModules,
  listTargets,
  moduleOf,
  type AdaptableModel,
  type AdapterTarget,
} from './adaptable-model.ts';
import type { ReadBase } from './base-weights.ts';
import { matchPattern } from './module-patterns.ts';
import { explainLookUp } from './never-run.ts';
import { selectTargets, type TargetSettings } from './select-targets.ts';
import { findTiedTable } from './tied-head.ts';
import { partOf } from './trained-tensors.ts';

/** The modules that have an update in the file, in the order of the network. */
export function adaptedTargets(model: AdaptableModel, tensors: AdapterTensors): AdapterTarget[] {
  return listTargets(model).filter((target) => tensors.has(adapterName(target.path, partOf(target, 'A'))));
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
  const target = listTargets(model).find(({ path: known }) => known === module);
  if (target === undefined) return explainUnknown(model, module);
  const isMatrix = part !== 'scaling_vector' && part !== 'lora_magnitude_vector';
  if (isMatrix && part.startsWith('lora_embedding') !== (target.isTable === true)) return explainKind(target);
  return compareShapes(shape, shapeOfPart(part, target, rankOf(config, module)));
}

function explainKind({ isTable }: AdapterTarget): Misfit {
  if (!isTable) return { message: 'is for an embedding table, but the module is a linear' };
  return { message: 'is for a linear, but the module is an embedding table' };
}

function findOwnTensorFault(model: AdaptableModel, name: string, shape: readonly number[]): Misfit | null {
  const own = model.weights.find((weight) => weight.name === name);
  if (own) return compareShapes(shape, own.shape);
  // Compared with the embedding beside it.
  if (name === TIED_HEAD_WEIGHT && model.facts.tiedEmbeddings) return null;
  return explainUnknown(model, moduleOf(name), name);
}

function shapeOfPart(
  part: Exclude<AdapterPart, 'weights'>,
  { inFeatures, outFeatures }: AdapterTarget,
  rank: number,
): number[] {
  if (part === 'lora_A' || part === 'lora_embedding_A') return [rank, inFeatures];
  return part === 'lora_B' || part === 'lora_embedding_B' ? [outFeatures, rank] : [outFeatures];
}

function compareShapes(got: readonly number[], wanted: readonly number[]): Misfit | null {
  if (got.length === wanted.length && got.every((side, i) => side === wanted[i])) return null;
  return { message: `must be [${wanted.join(', ')}] for this model, got [${got.join(', ')}]` };
}

function explainUnknown(model: AdaptableModel, module: string, tensor?: string): Misfit {
  if (module === TIED_HEAD && model.facts.tiedEmbeddings) {
    return { message: 'adapts the head, which shares the table of the token embedding in this model' };
  }
  const lookUp = explainLookUp(model, module);
  if (lookUp !== null)
    return { message: `is for a module that we have no adapters for: ${lookUp.message}`, hint: lookUp.hint };
  const isModule = listModules(model).includes(module);
  if (tensor !== undefined && isModule) return { message: 'is no tensor of this model' };
  const known = describeModules(listTargets(model).map(({ path: own }) => own));
  return { message: `is for a module that this model has not, ${module}`, hint: `it has ${known}` };
}

/** PEFT parts a trained embedding from the head that shares its table, unless told otherwise; here they are always one. */
async function findTyingFault(
  model: AdaptableModel,
  { config, tensors }: PeftAdapter,
  read: ReadBase,
): Promise<(Misfit & { field: string }) | null> {
  const table = findTiedTable(model);
  if (table === null) return null;
  const update = adapterName(moduleOf(table), 'lora_embedding_A');
  if (config.ensure_weight_tying && tensors.has(update)) {
    const message = 'is an update of embedding and head at once (ensure_weight_tying), which is not supported';
    return { field: update, message };
  }
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
  const { targets } = selectTargets(model, settings, { file, prefix: '', strict: false }, faults);
  if (faults.length > 0) return faults;
  const present = adaptedTargets(model, tensors);
  const without = (some: readonly AdapterTarget[], others: readonly AdapterTarget[]) =>
    some.filter(({ path: module }) => !others.some((other) => other.path === module));
  const weights = path.join(dir, ADAPTER_WEIGHTS_FILE);
  const faultOf = (message: string) => (target: AdapterTarget) => ({
    file: weights,
    field: adapterName(target.path, partOf(target, 'A')),
    message,
  });
  return [
    ...without(targets, present).map(faultOf(`is missing; ${ADAPTER_CONFIG_FILE} names this module`)),
    ...without(present, targets).map(faultOf(`is for a module that ${ADAPTER_CONFIG_FILE} does not name`)),
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
