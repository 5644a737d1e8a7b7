/**
 * @file Rotary positions in config.json: `rope_parameters` as transformers 5 writes it, `rope_theta`, `rope_scaling` and
 * `partial_rotary_factor` as version 4 did.
 */
import { ROPE_KINDS, type RopeConfig } from '../nn/rope.ts';
import type { ConfigReader, RawConfig } from './config-reader.ts';
import type { ModelFacts } from './model.ts';

export interface RopeDefaults {
  readonly theta?: number;
  readonly partial?: number;
  /** Key of version 4 for the base; rope_theta where left out. */
  readonly thetaKey?: string;
  /** Key of version 4 for the rotated part; partial_rotary_factor where left out. */
  readonly partialKey?: string;
  /** original_max_position_embeddings where the file does not say it; the full length where left out. */
  readonly originalLength?: number;
}

const FACTOR_KINDS: readonly unknown[] = ['linear', 'dynamic', 'llama3', 'yarn'];

/** Settings of all layers. @returns a usable scheme; what is wrong is among the reader's faults */
export function readRope(
  read: ConfigReader,
  facts: Pick<ModelFacts, 'headDim' | 'maxPositions'>,
  defaults: RopeDefaults = {},
): RopeConfig {
  const scaling = read.object('rope_scaling') ?? read.object('rope_parameters');
  const { thetaKey = 'rope_theta', partialKey = 'partial_rotary_factor' } = defaults;
  const theta = inside(scaling, 'rope_theta') ?? read.number(thetaKey, defaults.theta ?? 10000);
  const partial = inside(scaling, 'partial_rotary_factor') ?? read.number(partialKey, defaults.partial ?? 1);
  return checkRope(read, facts, { theta, partial, scaling: withOriginalLength(read, scaling, defaults) });
}

/** @param partial part of each head that is rotated, 0 to 1 */
export function checkRope(
  read: ConfigReader,
  { headDim, maxPositions }: Pick<ModelFacts, 'headDim' | 'maxPositions'>,
  { theta, partial = 1, scaling }: { theta: number; partial?: number; scaling: RawConfig | null },
): RopeConfig {
  const rotaryDim = Math.floor(headDim * partial);
  if (read.sizesAreKnown && (rotaryDim % 2 !== 0 || rotaryDim <= 0)) {
    read.fault('head_dim', `${headDim}, of which rotary positions take ${rotaryDim}: that must be even and above 0`);
  }
  const kind = scaling?.['rope_type'] ?? scaling?.['type'] ?? 'default';
  if (!ROPE_KINDS.some((known) => known === kind)) {
    read.fault('rope_parameters', `kind ${JSON.stringify(kind)} is not known; known are ${ROPE_KINDS.join(', ')}`);
  }
  if (FACTOR_KINDS.includes(kind) && inside(scaling, 'factor') === null) {
    read.fault('rope_parameters', `kind ${JSON.stringify(kind)} needs a number under factor`);
  }
  for (const key of kind === 'longrope' ? ['short_factor', 'long_factor'] : []) {
    const list = scaling?.[key];
    const fits = Array.isArray(list) && list.length === rotaryDim / 2 && list.every(Number.isFinite);
    if (!fits) read.fault('rope_parameters', `${key} must list ${rotaryDim / 2} numbers`);
  }
  return { theta, headDim, rotaryDim, maxPositionEmbeddings: maxPositions, scaling };
}

function inside(scaling: RawConfig | null, key: string): number | null {
  const value = scaling?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Phi 3 keeps the length of the pre-training beside the scaling, and that one counts. */
function withOriginalLength(
  read: ConfigReader,
  scaling: RawConfig | null,
  { originalLength = null }: { readonly originalLength?: number | null },
): RawConfig | null {
  const original = read.intOrNull('original_max_position_embeddings', originalLength);
  return scaling && original !== null ? { ...scaling, original_max_position_embeddings: original } : scaling;
}
