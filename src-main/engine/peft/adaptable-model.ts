/**
 * @file What PEFT needs to know of a model, and the names of its modules.
 *
 * Modules are not objects here: a module is a path that a weight's name starts with, as `model.layers.0.self_attn` is of
 * `model.layers.0.self_attn.q_proj.weight`. The models of src-main/engine/models fit as they are.
 */
import type { Linear } from '../nn/linear.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';

export interface AdaptableModel {
  readonly facts: { readonly layers: number; readonly tiedEmbeddings: boolean };
  /** Every tensor, in the order of the network. */
  readonly weights: readonly WeightSpec[];
  readonly linears: readonly Linear[];
  /** Linears that `all-linear` leaves out. */
  readonly outputLinears: readonly Linear[];
  /** PEFT's default target modules for this model_type. */
  readonly defaultTargets: readonly string[];
  /** Our name of a tensor in the file, null where the model ignores it. */
  sanitizeName(name: string): string | null;
}

/** Path of the module that a tensor belongs to. */
export function moduleOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

/** Paths of all modules, containers such as `model.layers.0.mlp` included, in the order of the network. */
export function listModules({ weights }: Pick<AdaptableModel, 'weights'>): string[] {
  const paths = new Set<string>();
  for (const { name } of weights) {
    const parts = moduleOf(name).split('.');
    for (let length = 1; length <= parts.length; length += 1) paths.add(parts.slice(0, length).join('.'));
  }
  return [...paths];
}

/** Paths of the embedding tables. */
export function listEmbeddings({ weights }: Pick<AdaptableModel, 'weights'>): string[] {
  return weights.filter(({ role }) => role === 'embedding').map(({ name }) => moduleOf(name));
}

/** Whether a list of PEFT's means this module: its path, or the end of it after a dot. */
export function isNamed(path: string, names: readonly string[]): boolean {
  return names.some((name) => path === name || path.endsWith(`.${name}`));
}

/** Paths for a message, layer numbers as `*`: `model.layers.*.mlp.up_proj, lm_head`. */
export function describeModules(paths: readonly string[]): string {
  const short = paths.map((path) => path.replace(/\.\d+(?=\.|$)/g, '.*'));
  return [...new Set(short)].join(', ');
}
