/**
 * @file What PEFT needs to know of a model, and the names of its modules.
 *
 * Modules are not objects here: a module is a path that a weight's name starts with, as `model.layers.0.self_attn` is of
 * `model.layers.0.self_attn.q_proj.weight`. The models of src-main/engine/models fit as they are.
 */
import type { Linear } from '../nn/linear.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';

export interface AdaptableModel {
  readonly facts: { readonly layers: number; readonly tiedEmbeddings: boolean; readonly decoderLayers?: number };
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

/** A module that an adapter can cover: A is [rank, in], B [out, rank]. Linears fit as they are. */
export interface AdapterTarget {
  readonly path: string;
  /** Of a table its rows. */
  readonly inFeatures: number;
  /** Of a table its width. */
  readonly outFeatures: number;
  /** Of linears: the file holds the weight as [in, out]. */
  readonly transposed: boolean;
  /** An embedding table, [in, out] row by row. */
  readonly isTable?: true;
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

/** All that an adapter can cover, in the order of the network. */
export function listTargets({ weights, linears }: Pick<AdaptableModel, 'weights' | 'linears'>): AdapterTarget[] {
  const byWeight = new Map(linears.map((linear) => [`${linear.path}.weight`, linear]));
  return weights.flatMap(({ name, shape, role, isNeverRun }): AdapterTarget[] => {
    const linear = byWeight.get(name);
    if (linear !== undefined) return [linear];
    const [inFeatures, outFeatures] = shape as [number, number];
    return role === 'embedding' && !isNeverRun
      ? [{ path: moduleOf(name), inFeatures, outFeatures, transposed: false, isTable: true }]
      : [];
  });
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
