/**
 * @file Which linears stay in full precision where a model's others are kept in 8 or 4 bits, as in bitsandbytes' users.
 */
import type { Linear } from '../nn/linear.ts';
import type { Model } from './model.ts';

/** The output heads, and what the family keeps whole. */
export function unquantizedLinears({
  outputLinears,
  keptWhole = [],
}: Pick<Model, 'outputLinears' | 'keptWhole'>): Linear[] {
  return [...outputLinears, ...keptWhole];
}

/** Names of their weights. */
export function unquantizedWeights(model: Pick<Model, 'outputLinears' | 'keptWhole'>): ReadonlySet<string> {
  return new Set(unquantizedLinears(model).map(({ path }) => `${path}.weight`));
}

/**
 * Whether transformers reads a bitsandbytes file of this family. It puts quantized layers in the place of plain linears alone (5.x), and
 * Falcon's are of a class of its own: it would read the packed bytes as plain weights.
 */
export const hasQuantizedFiles = ({ facts }: Pick<Model, 'facts'>): boolean => facts.modelType !== 'falcon';
