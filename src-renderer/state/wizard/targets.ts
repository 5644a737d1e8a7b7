/**
 * @file Matrices that an adapter can go to, as a person ticks them: by name, since a name in target_modules means every matrix that has it.
 */
import type { LinearGroup } from '../../../src-shared/domain/models.ts';

export interface TargetName {
  readonly name: string;
  /** Matrices of the layers that have it. */
  readonly count: number;
  /** [in, out] of each kind; BERT calls matrices of three shapes `dense`. */
  readonly shapes: readonly (readonly [number, number])[];
}

/** What the families call the matrices of their attention; of one shape, or they are more than that. */
const ATTENTION = /^(?:(?:q|k|v|o|out|qkv)(?:_proj|_lin)?|query|key|value|query_key_value|c_attn|dense)$/;

/** In the order of the file; matrices outside the layers are left out. */
export function listTargets(linears: readonly LinearGroup[]): TargetName[] {
  const found = new Map<string, TargetName>();
  for (const { name, layers, in_features: inputs, out_features: outputs } of linears) {
    if (layers.length === 0) continue;
    const { count, shapes } = found.get(name) ?? { count: 0, shapes: [] };
    found.set(name, { name, count: count + layers.length, shapes: [...shapes, [inputs, outputs]] });
  }
  return [...found.values()];
}

export function attentionNames(targets: readonly TargetName[]): string[] {
  return targets
    .filter(({ name, shapes }) => ATTENTION.test(name) && (name !== 'dense' || shapes.length === 1))
    .map(({ name }) => name);
}
