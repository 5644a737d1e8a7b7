/**
 * @file Opens a folder with trained tensors and checks that it belongs to a model: an adapter of PEFT or of ours (the final one or a
 * checkpoint), or the trained weights of a run without an adapter.
 *
 * A PiSSA adapter that PEFT saved as it was trained belongs to a base without the largest singular part; that part is worked out again and
 * goes into an ordinary adapter of doubled rank.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';
import { adapterName, splitAdapterName, isTrainedWhole } from '../formats/adapter-names.ts';
import { SINGLE_FILE, type ModelFolder } from '../formats/model-folder.ts';
import {
  ADAPTER_CONFIG_FILE,
  readPeftAdapter,
  type AdapterTensor,
  type AdapterTensors,
  type PeftAdapter,
} from '../formats/peft-adapter.ts';
import { makePeftConfig, rankOf, type PeftAdapterConfig } from '../formats/peft-config.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { listModules, moduleOf, type AdaptableModel, type AdapterTarget } from './adaptable-model.ts';
import { adaptedTargets, findMisfits } from './adapter-fit.ts';
import { readTrainedWeights } from './adapter-output.ts';
import { makeBaseReader, type ReadBase } from './base-weights.ts';
import { turnTensors } from './file-orientation.ts';
import { doubleRank, joinA, joinB, PissaStart } from './pissa.ts';
import { dropNeverRun, neverRun } from './never-run.ts';
import { shortNames } from './select-targets.ts';
import { selectBesideAdapter } from './select-weights.ts';
import { dropTiedHead, findTiedTable } from './tied-head.ts';
import { partOf } from './trained-tensors.ts';

export interface OpenedAdapter {
  readonly kind: 'adapter';
  readonly adapter: PeftAdapter;
  /** The settings as they are in the file. */
  readonly stored: PeftAdapterConfig;
  readonly targets: readonly AdapterTarget[];
  /** Names of the model's own tensors that the adapter brings. */
  readonly own: ReadonlySet<string>;
  /** In the run configuration's names and the model's module names: attaching them anew gives the same tensors. */
  readonly settings: AdapterSettings;
}

/** Trained weights of a run with peft_type NONE. */
export interface OpenedWeights {
  readonly kind: 'weights';
  readonly tensors: AdapterTensors;
}

export type AdapterSettings = Omit<PeftConfig, 'scaling_vector_lr_ratio' | 'adapter_path'>;

/**
 * @throws adapter/not-found, adapter/not-usable (broken in itself), adapter/does-not-fit (of another model), each with all faults
 */
export async function openAdapter(
  model: AdaptableModel,
  folder: ModelFolder,
  dir: string,
): Promise<OpenedAdapter | OpenedWeights> {
  const kind = await findKind(dir);
  if (kind === 'model') throw isModel(dir);
  if (kind === 'weights') return openWeights(model, dir);
  const { config: stored, ...saved } = await readPeftAdapter(dir);
  const turned = turnTensors(saved.tensors, transposedNames(model.weights));
  const read = { ...saved, tensors: dropNeverRun(model, turned) };
  const base = makeBaseReader(model, folder);
  const faults = await findMisfits(model, { config: stored, ...read }, dir, base);
  if (faults.length > 0) throw doesNotFit(dir, faults);
  const adapter = await toOrdinary(model, { ...read, config: stored }, base);
  const tensors = dropTiedHead(adapter.tensors, findTiedTable(model));
  const targets = adaptedTargets(model, tensors);
  const { settings, own } = settle(model, adapter.config, tensors, targets);
  const missing = [...own].filter((name) => !tensors.has(name));
  if (missing.length === 0)
    return { kind: 'adapter', adapter: { ...adapter, tensors }, stored, targets, own, settings };
  throw doesNotFit(
    dir,
    missing.map((field) => ({ file: dir, field, message: 'is missing; the settings say that it is trained' })),
  );
}

/** By its files: weights without adapter_config.json are a run's own, and with config.json beside them a whole model. */
async function findKind(dir: string): Promise<'adapter' | 'weights' | 'model'> {
  const names = await readdir(dir).catch((): string[] => []);
  if (names.includes(ADAPTER_CONFIG_FILE)) return 'adapter';
  if (names.includes('config.json')) return 'model';
  return names.includes(SINGLE_FILE) ? 'weights' : 'adapter';
}

function isModel(dir: string): AppError {
  const message = 'is a whole model, not an adapter';
  return new AppError('adapter/is-a-model', `${dir} ${message}`, {
    hint: 'Give this folder as the model, without an adapter.',
    faults: [{ file: dir, message }],
  });
}

async function openWeights(model: AdaptableModel, dir: string): Promise<OpenedWeights> {
  const file = path.join(dir, SINGLE_FILE);
  const tensors = await readTrainedWeights(file);
  const faults = [...tensors].flatMap(([name, { shape, data }]): Fault[] => {
    const known = model.weights.find((weight) => weight.name === name);
    if (known === undefined) return [{ file, field: name, message: 'is no tensor of this model' }];
    const wanted = `[${known.shape.join(', ')}]`;
    if (wanted !== `[${shape.join(', ')}]`) {
      return [{ file, field: name, message: `must be ${wanted} for this model, got [${shape.join(', ')}]` }];
    }
    return data.every(Number.isFinite) ? [] : [{ file, field: name, message: 'holds values that are not finite' }];
  });
  if (faults.length > 0) throw doesNotFit(dir, faults);
  return { kind: 'weights', tensors };
}

function doesNotFit(dir: string, faults: readonly Fault[]): AppError {
  const list = faults.slice(0, 3).map(({ field, message }) => `${field} ${message}`);
  const more = faults.length > list.length ? `; and ${faults.length - list.length} more faults` : '';
  return new AppError('adapter/does-not-fit', `${dir} does not fit this model: ${list.join('; ')}${more}`, {
    hint: 'Give the model that the adapter was trained on.',
    faults,
  });
}

async function toOrdinary(model: AdaptableModel, adapter: PeftAdapter, read: ReadBase): Promise<PeftAdapter> {
  const { config } = adapter;
  if (config.init_lora_weights !== 'pissa') return adapter;
  const tensors = new Map<string, AdapterTensor>(adapter.tensors);
  const pissa = new PissaStart(read, config);
  for (const target of adaptedTargets(model, adapter.tensors)) {
    const { path: module, inFeatures } = target;
    const rank = rankOf(config, module);
    const start = await pissa.pairOf(target, rank);
    const [nameA, nameB] = [adapterName(module, partOf(target, 'A')), adapterName(module, partOf(target, 'B'))];
    tensors.set(nameA, joinA(tensors.get(nameA)!.data, start.a, inFeatures));
    tensors.set(nameB, joinB(tensors.get(nameB)!.data, start.b, rank));
  }
  return { ...adapter, config: makePeftConfig({ ...doubleRank(config), init_lora_weights: true }), tensors };
}

/** Settings that name what is there: names without a module are dropped, biases that PEFT has no word for are listed. */
function settle(
  model: AdaptableModel,
  config: PeftAdapterConfig,
  tensors: AdapterTensors,
  targets: readonly AdapterTarget[],
): { settings: AdapterSettings; own: ReadonlySet<string> } {
  const idle = neverRun(model);
  const modules = listModules(model).filter((module) => !idle.includes(module));
  const saved = [...tensors.keys()].filter((name) => splitAdapterName(name).part === 'weights');
  const named = (config.modules_to_save ?? []).filter((name) => modules.some((module) => module.endsWith(name)));
  // The head of a classifier is saved whole without being named.
  const unnamed = saved
    .filter((name) => !name.endsWith('.bias') && !isTrainedWhole(moduleOf(name), named))
    .map(moduleOf);
  const modules_to_save = [...new Set([...named, ...unnamed])];
  const biases = saved.filter((name) => name.endsWith('.bias') && !isTrainedWhole(moduleOf(name), modules_to_save));
  const select = (bias: PeftConfig['bias']) => selectBesideAdapter(model, { bias, modules_to_save }, targets, []);
  const asStored = select(config.bias);
  const bias =
    asStored.size === saved.length && saved.every((name) => asStored.has(name))
      ? config.bias
      : biases.length > 0
        ? biases.map(moduleOf)
        : 'none';
  const isUsed = (pattern: string) => targets.some(({ path: module }) => patternHits(pattern, module));
  const keepUsed = (patterns: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(patterns).filter(([pattern]) => isUsed(pattern)));
  const settings: AdapterSettings = {
    peft_type: config.peft_type,
    r: config.r,
    lora_alpha: config.lora_alpha,
    lora_dropout: config.lora_dropout,
    target_modules: shortNames(model, targets),
    bias,
    use_rslora: config.use_rslora,
    use_dora: config.use_dora,
    modules_to_save,
    rank_pattern: keepUsed(config.rank_pattern),
    alpha_pattern: keepUsed(config.alpha_pattern),
    layers_to_transform: null,
    exclude_modules: null,
    init_lora_weights: true,
    trainable_modules: null,
  };
  return { settings, own: select(bias) };
}

/** Whether a rank or alpha pattern concerns a module. */
function patternHits(pattern: string, module: string): boolean {
  const rank = rankOf({ r: 0, rank_pattern: { [pattern]: 1 } }, module);
  return rank === 1;
}
