/**
 * @file Attaches a new adapter to a model, or opens its own weights for training (peft_type NONE).
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import { adapterName } from '../formats/adapter-names.ts';
import { rankOf, scaleOf } from '../formats/peft-config.ts';
import type { FileSet } from '../formats/file-set.ts';
import { describeModules, moduleOf, type AdaptableModel, type AdapterTarget } from './adaptable-model.ts';
import { encodeTrained, restoreTrained, type AdapterOutputOptions } from './adapter-output.ts';
import { makeBaseReader, type ReadBase } from './base-weights.ts';
import { drawNormal, drawUniform, fillWith } from './initial-values.ts';
import { columnNorms, rowNorms, transposeUpdate, type HostUpdate } from './low-rank-product.ts';
import { matchPattern } from './module-patterns.ts';
import { PissaStart } from './pissa.ts';
import { RUN_CONFIG, selectTargets } from './select-targets.ts';
import { selectBesideAdapter, selectTrainable } from './select-weights.ts';
import { findTrainedTable } from './tied-head.ts';
import { listTrainedTensors, setUpdates, sizeOf, type LoraPlus, type TrainedTensor } from './trained-tensors.ts';
import type { PeftSetup, TrainableTensor } from './types.ts';

export interface AttachPeftOptions {
  readonly model: AdaptableModel;
  /** The model's folder; read while the starting values are made. */
  readonly folder: ModelFolder;
  readonly peft: PeftConfig;
  /** null = LoRA+ is off. */
  readonly loraPlus: LoraPlus | null;
  readonly seed: number;
  /** Written to adapter_config.json; CAUSAL_LM when left out. */
  readonly taskType?: TaskType;
  /** Strings for the header of the weights. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A setup that can read back what its `files` wrote. */
export interface AttachedPeft extends PeftSetup {
  /** Settings in force; `target_modules` in the model's own names. */
  readonly config: PeftConfig;
  /**
   * Values of every trained tensor from a folder that `files` wrote, bit for bit: what a resumed run goes on from.
   * @throws adapter/does-not-fit, adapter/not-usable
   */
  restore(dir: string): Promise<ReadonlyMap<string, Float32Array<ArrayBuffer>>>;
}

/** How the tensors of a setup start. */
export type MakeInitial = (tensor: TrainedTensor) => Promise<Float32Array<ArrayBuffer>>;

/**
 * Sets `update` on the modules that are adapted, and clears it on the others.
 * @throws peft/does-not-fit with every setting that does not go with the model or with another setting
 */
export async function attachPeft(options: AttachPeftOptions): Promise<AttachedPeft> {
  const { model, folder, taskType = 'CAUSAL_LM', metadata = {} } = options;
  const faults: Fault[] = findContradictions(options.peft);
  const { peft, targets, own } = select(model, options.peft, faults);
  const linears = targets.filter(({ isTable }) => !isTable);
  if (peft.init_lora_weights === 'pissa') faults.push(...findRankFaults(peft, linears));
  if (faults.length === 0 && targets.length === 0 && own.size === 0) {
    faults.push({ field: 'peft', message: 'leave nothing to train' });
  }
  if (faults.length > 0) throw doesNotFit(faults);

  const read = makeBaseReader(model, folder);
  const pissa = peft.init_lora_weights === 'pissa' && linears.length > 0 ? new PissaStart(read, peft) : null;
  const trained = listTrainedTensors(model, { peft, targets, own, loraPlus: options.loraPlus });
  setUpdates(model, targets, peft);
  const start: Start = { peft, seed: options.seed, read, pissa };
  const trainedTable = findTrainedTable(model, own);
  const output = { peft, trained, baseModel: folder.path, taskType, metadata, trainedTable, pissa };
  const replaced = pissa
    ? linears.map(
        (linear) => [`${linear.path}.weight`, () => pissa.residualOf(linear, rankOf(peft, linear.path))] as const,
      )
    : [];
  return makeSetup(output, (tensor) => makeInitial(start, tensor), new Map(replaced));
}

/** Puts the parts of a setup together. */
export function makeSetup(
  output: AdapterOutputOptions,
  initial: MakeInitial,
  replaced: PeftSetup['replaced'],
): AttachedPeft {
  const trainables = output.trained.map((tensor): TrainableTensor => {
    const { name, shape, decay, lrRatio } = tensor;
    return { name, shape, decay, lrRatio, initial: () => initial(tensor) };
  });
  return {
    config: output.peft,
    trainables,
    replaced,
    files: (values): Promise<FileSet> => encodeTrained(output, values),
    restore: (dir) => restoreTrained(dir, output),
  };
}

function doesNotFit(faults: readonly Fault[]): AppError {
  const list = faults.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new AppError('peft/does-not-fit', `The adapter settings do not fit this model: ${list}`, {
    hint: 'Correct the named settings.',
    faults,
  });
}

function select(
  model: AdaptableModel,
  peft: PeftConfig,
  faults: Fault[],
): { peft: PeftConfig; targets: readonly AdapterTarget[]; own: ReadonlySet<string> } {
  if (peft.peft_type === 'NONE')
    return { peft, targets: [], own: selectTrainable(model, peft.trainable_modules, faults) };
  const { targets, targetModules } = selectTargets(model, peft, RUN_CONFIG, faults);
  for (const setting of ['rank_pattern', 'alpha_pattern'] as const) checkPatterns(setting, peft, targets, faults);
  const own = selectBesideAdapter(model, peft, targets, faults);
  return { peft: { ...peft, target_modules: targetModules }, targets, own };
}

/** Settings that exclude each other, whatever the model. */
function findContradictions(peft: PeftConfig): Fault[] {
  const faults: Fault[] = [];
  const fail = (setting: keyof PeftConfig, message: string, hint: string) =>
    faults.push({ field: `${RUN_CONFIG.prefix}${setting}`, message, hint });
  if (peft.peft_type !== 'NONE' && peft.trainable_modules !== null) {
    fail(
      'trainable_modules',
      'is for peft_type NONE',
      'name modules to adapt in target_modules, or whole ones in modules_to_save',
    );
  }
  if (peft.peft_type === 'QLORA' && peft.use_dora) {
    fail('use_dora', 'does not go with peft_type QLORA: both scale the rows of the update', 'use one of the two');
  }
  if (peft.peft_type === 'QLORA' && peft.init_lora_weights === 'pissa') {
    fail('init_lora_weights', '"pissa" does not go with peft_type QLORA', 'use peft_type LORA, or another start');
  }
  return faults;
}

/** A pattern that concerns no adapted module is a slip of the pen. */
function checkPatterns(
  setting: 'rank_pattern' | 'alpha_pattern',
  peft: PeftConfig,
  targets: readonly AdapterTarget[],
  faults: Fault[],
): void {
  const paths = targets.map(({ path }) => path);
  if (paths.length === 0) return;
  for (const pattern of Object.keys(peft[setting])) {
    const result = matchPattern(`(?:.*\\.)?(?:${pattern})`, paths);
    const field = `${RUN_CONFIG.prefix}${setting}`;
    if ('problem' in result) faults.push({ field, message: result.problem, ...(result.hint && { hint: result.hint }) });
    else if (result.matched.size === 0) {
      const hint = `these are ${describeModules(paths)}`;
      faults.push({ field, message: `${JSON.stringify(pattern)} matches none of the adapted modules`, hint });
    }
  }
}

function findRankFaults(peft: PeftConfig, targets: readonly AdapterTarget[]): Fault[] {
  return targets.flatMap(({ path, inFeatures, outFeatures }): Fault[] => {
    const rank = rankOf(peft, path);
    const most = Math.min(inFeatures, outFeatures);
    if (rank <= most) return [];
    const message = `"pissa" needs a rank of at most ${most} for ${path}, got ${rank}`;
    return [{ field: `${RUN_CONFIG.prefix}init_lora_weights`, message, hint: 'lower r' }];
  });
}

interface Start {
  readonly peft: PeftConfig;
  readonly seed: number;
  readonly read: ReadBase;
  readonly pissa: PissaStart | null;
}

async function makeInitial(start: Start, tensor: TrainedTensor): Promise<Float32Array<ArrayBuffer>> {
  const { target, name, shape, part } = tensor;
  if (target === null) return start.read(name);
  switch (part) {
    case 'lora_A':
      return start.pissa ? (await start.pissa.pairOf(target, shape[0]!)).a : drawA(start, target);
    case 'lora_B':
      return start.pissa ? (await start.pissa.pairOf(target, shape[1]!)).b : drawB(start, target);
    case 'lora_embedding_A':
      return drawTableA(start, target);
    case 'lora_embedding_B':
      return drawTableB(start, target);
    case 'lora_magnitude_vector':
      return makeMagnitudes(start, target);
    case 'scaling_vector':
      return fillWith(sizeOf(shape), 1);
    default:
      throw new Error(`internal: ${name} has no start in ${moduleOf(name)}`);
  }
}

function drawA({ peft, seed }: Start, { path, inFeatures }: AdapterTarget): Float32Array<ArrayBuffer> {
  const rank = rankOf(peft, path);
  const name = `${path}.lora_A.weight`;
  return peft.init_lora_weights === 'gaussian'
    ? drawNormal(seed, name, rank * inFeatures, 1 / rank)
    : drawUniform(seed, name, rank * inFeatures, inFeatures);
}

/** Zero, so that training starts from the base; with init_lora_weights false as PyTorch fills any linear layer. */
function drawB({ peft, seed }: Start, { path, outFeatures }: AdapterTarget): Float32Array<ArrayBuffer> {
  const rank = rankOf(peft, path);
  if (peft.init_lora_weights !== false) return fillWith(outFeatures * rank, 0);
  return drawUniform(seed, `${path}.lora_B.weight`, outFeatures * rank, rank);
}

/** The other way round than linears: a column of A is looked up, so B is what is drawn. */
function drawTableA({ peft, seed }: Start, { path, inFeatures }: AdapterTarget): Float32Array<ArrayBuffer> {
  const size = rankOf(peft, path) * inFeatures;
  return peft.init_lora_weights === false
    ? drawNormal(seed, adapterName(path, 'lora_embedding_A'), size, 1)
    : fillWith(size, 0);
}

function drawTableB({ peft, seed }: Start, { path, outFeatures }: AdapterTarget): Float32Array<ArrayBuffer> {
  return drawNormal(seed, adapterName(path, 'lora_embedding_B'), outFeatures * rankOf(peft, path), 1);
}

/** Lengths of the rows of W + scale B A as it starts, of a table's columns; PiSSA starts at W itself. */
async function makeMagnitudes(start: Start, target: AdapterTarget): Promise<Float32Array<ArrayBuffer>> {
  const { path, inFeatures, outFeatures, isTable } = target;
  const { peft } = start;
  const weight = await start.read(`${path}.weight`);
  const normsOf = (update: HostUpdate | null) =>
    isTable
      ? columnNorms(weight, outFeatures, update && transposeUpdate(update))
      : rowNorms(weight, inFeatures, update);
  if (peft.init_lora_weights !== false) return normsOf(null);
  const a = isTable ? drawTableA(start, target) : drawA(start, target);
  const b = isTable ? drawTableB(start, target) : drawB(start, target);
  return normsOf({ a, b, rank: rankOf(peft, path), scale: scaleOf(peft, path), s: null });
}
