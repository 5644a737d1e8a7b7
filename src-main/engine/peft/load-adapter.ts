/**
 * @file Attaches an adapter that exists: to compute with it, or to train on from it.
 *
 * It brings its settings. Of what a person writes beside `adapter_path` only peft_type may differ: a LoRA adapter may become a
 * Quasi-LoRA one (s starts at 1), a Quasi-LoRA one an ordinary one (s goes into B).
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import { foldScalingVectors, type AdapterTensors } from '../formats/peft-adapter.ts';
import { moduleOf, type AdaptableModel } from './adaptable-model.ts';
import type { AdapterOutputOptions } from './adapter-output.ts';
import { makeSetup, type AttachedPeft, type MakeInitial } from './attach.ts';
import { PEFT_DEFAULTS } from './defaults.ts';
import { fillWith } from './initial-values.ts';
import { openAdapter, type OpenedAdapter, type OpenedWeights } from './open-adapter.ts';
import { RUN_CONFIG, selectTargets } from './select-targets.ts';
import { findTrainedTable } from './tied-head.ts';
import { listTrainedTensors, setUpdates, sizeOf, type LoraPlus } from './trained-tensors.ts';

export interface LoadAdapterOptions {
  readonly model: AdaptableModel;
  readonly folder: ModelFolder;
  /** Adapter folder of PEFT or of ours, `checkpoint-<step>` included; or the trained weights of a run with peft_type NONE. */
  readonly dir: string;
  /** What the person wrote under `peft`, when training goes on from the adapter. */
  readonly peft?: Partial<PeftConfig>;
  /** null = LoRA+ is off. */
  readonly loraPlus?: LoraPlus | null;
  readonly taskType?: TaskType;
  /** Strings for the header of the weights. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Sets `update` on the modules that the adapter covers, and clears it on the others.
 * @returns a setup whose starting values are the adapter's; `config` holds all settings in force
 * @throws adapter/not-found, adapter/not-usable, adapter/does-not-fit, peft/contradicts-adapter, each with all faults
 */
export async function loadAdapter(options: LoadAdapterOptions): Promise<AttachedPeft> {
  const { model, folder, dir, peft: written = {} } = options;
  const opened = await openAdapter(model, folder, dir);
  const faults = opened.kind === 'weights' ? findTypeFaults(written) : findContradictions(model, opened, written);
  if (faults.length > 0) throw contradicts(dir, faults);
  const taskType = options.taskType ?? 'CAUSAL_LM';
  const { metadata = {}, loraPlus = null } = options;
  const about = { model, taskType, metadata, baseModel: folder.path, loraPlus };
  return opened.kind === 'weights' ? setUpWeights(opened, dir, about) : setUpAdapter(opened, dir, written, about);
}

interface About {
  readonly model: AdaptableModel;
  readonly taskType: TaskType;
  readonly metadata: Readonly<Record<string, string>>;
  readonly baseModel: string;
  readonly loraPlus: LoraPlus | null;
}

function setUpWeights({ tensors }: OpenedWeights, dir: string, about: About): AttachedPeft {
  const { weights } = about.model;
  const own = new Set(tensors.keys());
  const trainable_modules = own.size === weights.length ? null : [...new Set([...own].map(moduleOf))];
  const peft: PeftConfig = { ...PEFT_DEFAULTS, peft_type: 'NONE', trainable_modules, adapter_path: dir };
  return assemble({ ...about, peft, targets: [], own }, tensors);
}

function setUpAdapter(opened: OpenedAdapter, dir: string, written: Partial<PeftConfig>, about: About): AttachedPeft {
  const peft_type = written.peft_type ?? opened.settings.peft_type;
  const scaling_vector_lr_ratio = written.scaling_vector_lr_ratio ?? PEFT_DEFAULTS.scaling_vector_lr_ratio;
  const peft: PeftConfig = { ...opened.settings, peft_type, scaling_vector_lr_ratio, adapter_path: dir };
  const { tensors } = peft_type === 'LORA' ? foldScalingVectors(opened.adapter) : opened.adapter;
  return assemble({ ...about, peft, targets: opened.targets, own: opened.own }, tensors);
}

function assemble(
  setting: About & Pick<OpenedAdapter, 'targets' | 'own'> & { readonly peft: PeftConfig },
  tensors: AdapterTensors,
): AttachedPeft {
  const { model, peft, targets, own, taskType, metadata, baseModel } = setting;
  const trained = listTrainedTensors(model, setting);
  setUpdates(model, targets, peft);
  const output: AdapterOutputOptions = {
    peft,
    trained,
    baseModel,
    taskType,
    metadata,
    trainedTable: findTrainedTable(model, own),
    pissa: null,
  };
  const initial: MakeInitial = async ({ name, part, shape }) => {
    const found = tensors.get(name);
    if (found) return found.data;
    if (part === 'scaling_vector') return fillWith(sizeOf(shape), 1);
    throw new Error(`internal: the adapter has no ${name}`);
  };
  return makeSetup(output, initial, new Map());
}

function contradicts(dir: string, faults: readonly Fault[]): AppError {
  const list = faults.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new AppError('peft/contradicts-adapter', `The settings contradict the adapter ${dir}: ${list}`, {
    hint: 'Leave these settings away: an adapter that training starts from brings its own.',
    faults,
  });
}

function fault(setting: keyof PeftConfig, message: string): Fault {
  return { field: `${RUN_CONFIG.prefix}${setting}`, message };
}

function findTypeFaults({ peft_type }: Partial<PeftConfig>): Fault[] {
  if (peft_type === undefined || peft_type === 'NONE') return [];
  return [
    fault('peft_type', `is ${peft_type}, but the folder holds whole weights (NONE); merge them into the model first`),
  ];
}

/** Settings compared by value. */
const COMPARED = [
  'r',
  'lora_alpha',
  'lora_dropout',
  'bias',
  'use_rslora',
  'use_dora',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
] as const;

function findContradictions(model: AdaptableModel, opened: OpenedAdapter, written: Partial<PeftConfig>): Fault[] {
  const { settings, stored } = opened;
  const faults: Fault[] = [];
  if (written.peft_type === 'NONE') faults.push(fault('peft_type', `is NONE, the adapter's is ${settings.peft_type}`));
  if (written.peft_type === 'QLORA' && settings.use_dora) {
    faults.push(fault('peft_type', 'is QLORA, but the adapter uses DoRA, which scales the rows itself'));
  }
  for (const setting of COMPARED) {
    const value = written[setting];
    if (value === undefined) continue;
    const own = settings[setting];
    if (isSame(value, own) || isSame(value, stored[setting] ?? [])) continue;
    faults.push(fault(setting, `is ${JSON.stringify(value)}, the adapter's is ${JSON.stringify(own)}`));
  }
  const start = written.init_lora_weights;
  if (start !== undefined && start !== true && start !== stored.init_lora_weights) {
    faults.push(
      fault('init_lora_weights', `is ${JSON.stringify(start)}, but A and B start as they are in the adapter`),
    );
  }
  if (written.trainable_modules) faults.push(fault('trainable_modules', 'is for peft_type NONE'));
  return [...faults, ...findTargetFaults(model, opened, written)];
}

/** Targets may be written in another way as long as the same modules are meant. */
function findTargetFaults(
  model: AdaptableModel,
  { settings, targets }: OpenedAdapter,
  written: Partial<PeftConfig>,
): Fault[] {
  const said = (['target_modules', 'exclude_modules', 'layers_to_transform'] as const).filter(
    (setting) => written[setting] !== undefined && written[setting] !== null,
  );
  const [first] = said;
  if (first === undefined) return [];
  const wanted = {
    target_modules: written.target_modules ?? settings.target_modules,
    exclude_modules: written.exclude_modules ?? null,
    layers_to_transform: written.layers_to_transform ?? null,
    modules_to_save: settings.modules_to_save,
  };
  const faults: Fault[] = [];
  const meant = selectTargets(model, wanted, RUN_CONFIG, faults).targets.map(({ path: module }) => module);
  if (faults.length > 0) return faults;
  if (
    isSame(
      meant,
      targets.map(({ path: module }) => module),
    )
  )
    return [];
  const names = JSON.stringify(settings.target_modules);
  return [fault(first, `is ${JSON.stringify(written[first])}, the adapter's modules are ${names}`)];
}

/** Equal as settings: the order of names and keys says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(String).sort());
  if (typeof value === 'object' && value !== null) return JSON.stringify(Object.entries(value).sort());
  return JSON.stringify(value);
}
