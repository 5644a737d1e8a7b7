/**
 * @file Which modules an adapter covers: linears and embedding tables. The rules are PEFT's (tuners_utils.check_target_module_exists,
 * peft 0.21).
 *
 * A list names modules by their path or its end after a dot; a text is a regular expression over whole paths; `all-linear` means every
 * linear but the output head. Excluded are `exclude_modules`, what `modules_to_save` trains whole, and layers that are not
 * among `layers_to_transform`. The names of the method document, "query", "key" and "value", stand for the model's own.
 */
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';
import { isTrainedWhole } from '../formats/adapter-names.ts';
import type { Linear } from '../nn/linear.ts';
import {
  describeModules,
  isNamed,
  listModules,
  listTargets,
  type AdaptableModel,
  type AdapterTarget,
} from './adaptable-model.ts';
import { matchPattern } from './module-patterns.ts';
import { explainLookUp, explainNeverRun } from './never-run.ts';
import { hintTiedHead, isTiedHead } from './tied-head.ts';

/** Where the settings stand, for messages. */
export interface SettingsPlace {
  readonly file: string | null;
  /** `peft.` in a run configuration, nothing in adapter_config.json. */
  readonly prefix: string;
  /** A person's settings: a name that matches nothing is a mistake. PEFT's own files may hold such names. */
  readonly strict: boolean;
}

export const RUN_CONFIG: SettingsPlace = { file: null, prefix: 'peft.', strict: true };

export type TargetSettings = Pick<
  PeftConfig,
  'target_modules' | 'exclude_modules' | 'layers_to_transform' | 'modules_to_save'
> & {
  /** Name of the list of layers, in adapters of PEFT. */
  readonly layers_pattern?: string | readonly string[] | null;
};

export interface SelectedTargets {
  /** In the order of the network. */
  readonly targets: readonly AdapterTarget[];
  /** `target_modules` in the model's own names, as PEFT understands it. */
  readonly targetModules: string | string[];
}

type Paths = ReadonlySet<string>;

const ALL_LINEAR = 'all-linear';
const FUSED = ['query_key_value', 'qkv_proj', 'c_attn', 'Wqkv'];
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  query: ['q_proj', 'q', 'query_proj', 'q_lin', ...FUSED],
  key: ['k_proj', 'k', 'key_proj', 'k_lin', ...FUSED],
  value: ['v_proj', 'v', 'value_proj', 'v_lin', ...FUSED],
};

/** @param faults takes everything that does not fit the model */
export function selectTargets(
  model: AdaptableModel,
  settings: TargetSettings,
  place: SettingsPlace,
  faults: Fault[],
): SelectedTargets {
  const selection = new Selection(model, settings, place, faults);
  return selection.run();
}

/** Linears that `all-linear` means. */
export function innerLinears({ linears, outputLinears }: AdaptableModel): Linear[] {
  return linears.filter((linear) => !outputLinears.includes(linear));
}

/** The shortest names that mean these modules and no others. */
export function shortNames(model: AdaptableModel, targets: readonly AdapterTarget[]): string[] {
  const names = [...new Set(targets.map(({ path }) => path.slice(path.lastIndexOf('.') + 1)))];
  const wanted = new Set(targets.map(({ path }) => path));
  const exact = listModules(model).every((path) => isNamed(path, names) === wanted.has(path));
  return exact ? names : [...wanted];
}

class Selection {
  readonly #model: AdaptableModel;
  readonly #settings: TargetSettings;
  readonly #place: SettingsPlace;
  readonly #faults: Fault[];
  readonly #targets: readonly AdapterTarget[];
  readonly #paths: readonly string[];

  constructor(model: AdaptableModel, settings: TargetSettings, place: SettingsPlace, faults: Fault[]) {
    this.#model = model;
    this.#settings = settings;
    this.#place = place;
    this.#faults = faults;
    this.#targets = listTargets(model);
    this.#paths = this.#targets.map(({ path }) => path);
  }

  run(): SelectedTargets {
    const { target_modules: wanted } = this.#settings;
    const found = typeof wanted === 'string' ? this.#matchText(wanted) : this.#matchNames(wanted);
    const targetModules = this.#ownNames(wanted);
    if (found.size === 0) return { targets: [], targetModules };
    const left = this.#keepLayers(this.#dropExcluded(found));
    if (left.size === 0 && !this.#faults.some(({ field }) => field?.startsWith(this.#place.prefix))) {
      this.#fail('target_modules', 'exclude_modules, modules_to_save and layers_to_transform leave no module to adapt');
    }
    return { targets: this.#targets.filter(({ path }) => left.has(path)), targetModules };
  }

  #fail(setting: keyof TargetSettings, message: string, hint?: string): void {
    const { file, prefix } = this.#place;
    this.#faults.push({ file, field: `${prefix}${setting}`, message, ...(hint !== undefined && { hint }) });
  }

  #matchText(text: string): Paths {
    if (text.toLowerCase() === ALL_LINEAR) return new Set(innerLinears(this.#model).map(({ path }) => path));
    const matched = this.#matchAnywhere('target_modules', text);
    if (matched?.size === 0) this.#failUnmatched(text);
    return matched ?? new Set();
  }

  #matchAnywhere(setting: keyof TargetSettings, pattern: string): Paths | null {
    const result = matchPattern(pattern, this.#paths);
    if ('matched' in result) return result.matched;
    this.#fail(setting, result.problem, result.hint);
    return null;
  }

  #matchNames(names: readonly string[]): Paths {
    const own = names.map((name) => this.#translate(name));
    for (const [index, name] of own.entries()) {
      if (this.#paths.some((path) => isNamed(path, [name]))) continue;
      if (this.#place.strict) this.#failUnmatched(names[index]!);
    }
    const matched = this.#paths.filter((path) => isNamed(path, own));
    if (matched.length === 0 && !this.#place.strict) this.#failUnmatched(names.join(', '));
    return new Set(matched);
  }

  #failUnmatched(wanted: string): void {
    const idle = explainNeverRun(this.#model, wanted) ?? explainLookUp(this.#model, wanted);
    if (idle) {
      this.#fail('target_modules', idle.message, idle.hint);
    } else if (isTiedHead(this.#model, wanted)) {
      const hint = hintTiedHead(this.#model);
      this.#fail('target_modules', `"${wanted}" shares the table of the token embedding in this model`, hint);
    } else {
      const hint = `it has ${describeModules(this.#paths)}`;
      this.#fail('target_modules', `${JSON.stringify(wanted)} matches no module of this model`, hint);
    }
  }

  /** A name that the model has no module of, but another word for. */
  #translate(name: string): string {
    const exists = (candidate: string) => this.#paths.some((path) => isNamed(path, [candidate]));
    return exists(name) ? name : (SYNONYMS[name]?.find(exists) ?? name);
  }

  #ownNames(wanted: string | readonly string[]): string | string[] {
    if (typeof wanted !== 'string') return [...new Set(wanted.map((name) => this.#translate(name)))];
    return wanted.toLowerCase() === ALL_LINEAR ? shortNames(this.#model, innerLinears(this.#model)) : wanted;
  }

  #dropExcluded(found: Paths): Paths {
    const { exclude_modules: exclude, modules_to_save: whole } = this.#settings;
    const named = Array.isArray(exclude) ? exclude : [];
    const matched = typeof exclude === 'string' ? this.#matchAnywhere('exclude_modules', exclude) : null;
    const isExcluded = (path: string) => matched?.has(path) === true || isNamed(path, named);
    if (
      this.#place.strict &&
      exclude !== null &&
      (matched !== null || named.length > 0) &&
      ![...found].some(isExcluded)
    ) {
      this.#fail('exclude_modules', `${JSON.stringify(exclude)} matches none of the modules that would be adapted`);
    }
    return new Set([...found].filter((path) => !isExcluded(path) && !isTrainedWhole(path, whole)));
  }

  #keepLayers(found: Paths): Paths {
    const { layers_to_transform: layers, target_modules: wanted, layers_pattern: pattern } = this.#settings;
    if (layers === null || layers.length === 0) return found;
    if (typeof wanted === 'string' && wanted.toLowerCase() !== ALL_LINEAR) {
      const hint = 'put the layers into the pattern, or name the modules in a list';
      this.#fail('layers_to_transform', 'does not go with a pattern in target_modules', hint);
      return found;
    }
    const { layers: all, decoderLayers = 0 } = this.#model.facts;
    // Both stacks of an encoder-decoder count from 0.
    const count = Math.max(all - decoderLayers, decoderLayers);
    const beyond = layers.filter((layer) => layer >= count);
    if (beyond.length > 0) {
      this.#fail(
        'layers_to_transform',
        `names layer ${beyond.join(', ')}; the layers of this model are 0 to ${count - 1}`,
      );
    }
    // A whole path is meant as it stands, as in PEFT: `lm_head` is in no layer.
    const whole = Array.isArray(wanted) ? wanted : [];
    const isKept = (path: string) => whole.includes(path) || layers.includes(layerOf(path, pattern ?? null));
    return new Set([...found].filter(isKept));
  }
}

/** Number after the name of the list of layers; -1 outside. Without such a name, the first number after two path elements. */
function layerOf(path: string, layersPattern: string | readonly string[] | null): number {
  const patterns = typeof layersPattern === 'string' ? [layersPattern] : (layersPattern ?? []);
  if (patterns.length === 0) return Number(/^.*?\.[^.]*\.(\d+)\./.exec(path)?.[1] ?? -1);
  const parts = path.split('.');
  for (const pattern of patterns) {
    const index = parts.findIndex((part, at) => part === pattern && /^\d+$/.test(parts[at + 1] ?? ''));
    if (index >= 0) return Number(parts[index + 1]);
  }
  return -1;
}
