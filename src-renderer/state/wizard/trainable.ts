/**
 * @file How many numbers an adapter trains, by formula from the model's matrices.
 */
import type { LinearGroup, ModelDetails } from '../../../src-shared/domain/models.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';

const DEFAULT_RANK = 8;

/** Matrices of the layers that get an adapter. The head is left out of `all-linear`, as PEFT does. */
export function targetGroups(linears: readonly LinearGroup[], peft: RunConfig['peft']): LinearGroup[] {
  const { target_modules: targets = 'all-linear', layers_to_transform: layers = null } = peft;
  const inLayers = linears.filter((group) => group.layers.length > 0);
  const chosen = inLayers.filter(({ name }) => isTarget(name, targets));
  if (layers === null) return chosen;
  return chosen.map((group) => ({ ...group, layers: group.layers.filter((layer) => layers.includes(layer)) }));
}

function isTarget(name: string, targets: string | readonly string[]): boolean {
  if (targets === 'all-linear') return true;
  if (typeof targets !== 'string') return targets.some((target) => target === name || target.endsWith(`.${name}`));
  try {
    return new RegExp(targets).test(`model.layers.0.x.${name}`) || new RegExp(targets).test(name);
  } catch {
    return false;
  }
}

/** LoRA: r (in + out) for each matrix; DoRA's magnitudes and Quasi-LoRA's scales add one number for each output. */
export function countTrainable(model: ModelDetails, peft: RunConfig['peft']): number {
  const { peft_type, r = DEFAULT_RANK, use_dora = false } = peft;
  if (peft_type === 'NONE') return model.parameters;
  const vectors = (use_dora ? 1 : 0) + (peft_type === 'QLORA' ? 1 : 0);
  return targetGroups(model.linears, peft).reduce((sum, { in_features, out_features, layers }) => {
    const pair = r * (in_features + out_features) + vectors * out_features;
    return sum + pair * layers.length;
  }, 0);
}

/** Numbers in all matrices of the layers: what is stored in the chosen precision. */
export function countLinear(model: ModelDetails): number {
  return model.linears.reduce(
    (sum, { in_features, out_features, layers }) => sum + in_features * out_features * Math.max(1, layers.length),
    0,
  );
}
