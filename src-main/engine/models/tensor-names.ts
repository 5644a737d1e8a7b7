/**
 * @file From the names in a checkpoint to the names of the model: what every family's `sanitizeName` has in common.
 *
 * Files may leave away the base model's prefix (saved without its head), repeat the tied head, and hold buffers of older versions.
 */
import type { WeightSpec } from '../nn/weight-spec.ts';

export interface NameRules {
  /** Prefix of the base model, `model.` or `transformer.`. */
  readonly prefix: string;
  readonly weights: readonly Pick<WeightSpec, 'name'>[];
  /** Name of the head's weight where it is the embedding's table. */
  readonly tiedHead: string | null;
  /** Buffers that are derived, whatever they hold. */
  readonly ignored?: RegExp;
  /** Old name -> name. */
  readonly renamed?: Readonly<Record<string, string>>;
}

const ROTARY_BUFFER = /\.rotary_emb\.(inv_freq|cos_cached|sin_cached)$/;

/** @returns our name of a tensor in the file; null where nothing is lost by ignoring it */
export function makeSanitizer(rules: NameRules): (name: string) => string | null {
  const { prefix, weights, tiedHead, ignored, renamed } = rules;
  const baseParts = new Set(
    weights.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => firstPart(name.slice(prefix.length))),
  );
  return (name) => {
    if (ROTARY_BUFFER.test(name) || ignored?.test(name)) return null;
    const called = renamed?.[name] ?? name;
    if (called === tiedHead) return null;
    if (called.startsWith(prefix)) return called;
    return baseParts.has(firstPart(called)) ? prefix + called : called;
  };
}

/** `layers` of `layers.0.mlp`. */
const firstPart = (name: string): string => name.split('.')[0]!;
