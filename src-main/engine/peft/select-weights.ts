/**
 * @file Which of the model's own tensors are trained: biases, modules saved whole, and with peft_type NONE all or some of them.
 */
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';
import { isTrainedWhole } from '../formats/adapter-names.ts';
import {
  describeModules,
  isNamed,
  listModules,
  moduleOf,
  type AdaptableModel,
  type AdapterTarget,
} from './adaptable-model.ts';
import { matchPattern } from './module-patterns.ts';
import { explainLookUp, explainNeverRun } from './never-run.ts';
import { innerLinears, RUN_CONFIG } from './select-targets.ts';
import { hintTiedHead, isTiedHead } from './tied-head.ts';

type BiasSettings = Pick<PeftConfig, 'bias' | 'modules_to_save'>;

function fail(faults: Fault[], setting: keyof PeftConfig, message: string, hint: string): void {
  faults.push({ file: RUN_CONFIG.file, field: `${RUN_CONFIG.prefix}${setting}`, message, hint });
}

/**
 * Names of the biases and whole modules that are trained beside an adapter.
 * @param targets the modules that are adapted
 */
export function selectBesideAdapter(
  model: AdaptableModel,
  { bias, modules_to_save: whole }: BiasSettings,
  targets: readonly AdapterTarget[],
  faults: Fault[],
): Set<string> {
  const modules = listModules(model);
  for (const name of whole) {
    const idle = explainNeverRun(model, name) ?? explainLookUp(model, name);
    if (idle) {
      fail(faults, 'modules_to_save', idle.message, idle.hint);
    } else if (isTiedHead(model, name)) {
      const hint = hintTiedHead(model);
      fail(faults, 'modules_to_save', `"${name}" shares the table of the token embedding in this model`, hint);
    } else if (!modules.some((path) => path.endsWith(name))) {
      failUnmatched(faults, 'modules_to_save', name, modules);
    }
  }
  const biases = selectBiases(model, bias, targets, faults);
  const names = model.weights.map(({ name }) => name);
  return new Set(names.filter((name) => biases.has(name) || isTrainedWhole(moduleOf(name), whole)));
}

function selectBiases(
  { weights }: AdaptableModel,
  bias: PeftConfig['bias'],
  targets: readonly AdapterTarget[],
  faults: Fault[],
): Set<string> {
  const all = weights.map(({ name }) => name).filter((name) => name.endsWith('.bias'));
  if (bias === 'none') return new Set();
  if (bias === 'all') return new Set(all);
  if (bias === 'lora_only') {
    return new Set(all.filter((name) => targets.some(({ path }) => path === moduleOf(name))));
  }
  const modules = all.map(moduleOf);
  for (const name of bias) {
    if (modules.some((path) => isNamed(path, [name]))) continue;
    const hint = modules.length > 0 ? `those with one are ${describeModules(modules)}` : 'this model has no biases';
    fail(faults, 'bias', `"${name}" matches no module with a bias`, hint);
  }
  return new Set(all.filter((name) => isNamed(moduleOf(name), bias)));
}

/** Names of the tensors that are trained without an adapter. @param wanted modules by the rules of target_modules; null = all */
export function selectTrainable(
  model: AdaptableModel,
  wanted: PeftConfig['trainable_modules'],
  faults: Fault[],
): Set<string> {
  const names = model.weights.map(({ name }) => name);
  if (wanted === null) return new Set(names);
  const modules = listModules(model);
  const chosen =
    typeof wanted === 'string' ? matchText(model, wanted, modules, faults) : matchNames(wanted, modules, faults);
  const isInside = (name: string) => [...chosen].some((path) => name.startsWith(`${path}.`));
  return new Set(names.filter(isInside));
}

function matchText(
  model: AdaptableModel,
  text: string,
  modules: readonly string[],
  faults: Fault[],
): ReadonlySet<string> {
  if (text.toLowerCase() === 'all-linear') return new Set(innerLinears(model).map(({ path }) => path));
  const result = matchPattern(text, modules);
  if ('problem' in result) {
    fail(faults, 'trainable_modules', result.problem, result.hint ?? 'correct the pattern');
    return new Set();
  }
  if (result.matched.size === 0) failUnmatched(faults, 'trainable_modules', text, modules);
  return result.matched;
}

function matchNames(wanted: readonly string[], modules: readonly string[], faults: Fault[]): ReadonlySet<string> {
  for (const name of wanted) {
    if (!modules.some((path) => isNamed(path, [name]))) failUnmatched(faults, 'trainable_modules', name, modules);
  }
  return new Set(modules.filter((path) => isNamed(path, wanted)));
}

function failUnmatched(faults: Fault[], setting: keyof PeftConfig, wanted: string, modules: readonly string[]): void {
  const hint = `its modules are ${describeModules(modules)}`;
  fail(faults, setting, `${JSON.stringify(wanted)} matches no module of this model`, hint);
}
