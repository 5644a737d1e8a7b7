/**
 * @file Rotary frequencies and their scalings, computed on the host. Source: Hugging Face's modeling_rope_utils (default, linear,
 * dynamic, llama3, yarn, longrope); Su et al. 2021; bloc97's NTK-aware scaling; Peng et al. 2023 (YaRN).
 */
export const ROPE_KINDS = ['default', 'linear', 'dynamic', 'llama3', 'yarn', 'longrope'] as const;

export interface RopeConfig {
  readonly theta: number;
  readonly headDim: number;
  /** Leading part of a head that is rotated. */
  readonly rotaryDim: number;
  readonly maxPositionEmbeddings: number;
  /** config.rope_scaling / rope_parameters, as in the file; null = none. */
  readonly scaling: Readonly<Record<string, unknown>> | null;
}

/** Angles' cosines and signed sines for positions 0 … positions-1, each [positions, rotaryDim]; both halves repeat the angles. */
export interface RopeTables {
  readonly positions: number;
  readonly width: number;
  readonly cos: Float32Array<ArrayBuffer>;
  /** The first half negated (see ops/rotary.ts). */
  readonly signedSin: Float32Array<ArrayBuffer>;
}

/** @param seq length of the longest sequence at hand: dynamic scalings depend on it. */
export function buildRopeTables(config: RopeConfig, positions: number, seq: number): RopeTables {
  const { inverse, factor } = inverseFrequencies(config, seq);
  const half = inverse.length;
  const width = half * 2;
  const cos = new Float32Array(positions * width);
  const signedSin = new Float32Array(positions * width);
  for (let position = 0; position < positions; position++) {
    for (let index = 0; index < half; index++) {
      // transformers computes the angle in f32
      const angle = Math.fround(Math.fround(position) * inverse[index]!);
      const c = Math.cos(angle) * factor;
      const s = Math.sin(angle) * factor;
      cos[position * width + index] = c;
      cos[position * width + half + index] = c;
      signedSin[position * width + index] = -s;
      signedSin[position * width + half + index] = s;
    }
  }
  return { positions, width, cos, signedSin };
}

/** True where the tables differ from length to length. */
export function ropeDependsOnLength({ scaling }: RopeConfig): boolean {
  const kind = ropeKind(scaling);
  return kind === 'dynamic' || kind === 'longrope';
}

/** Length beyond which all positions are rotated by other factors; null = there is none. */
export function ropeSwitch({ scaling, maxPositionEmbeddings }: RopeConfig): number | null {
  if (ropeKind(scaling) !== 'longrope') return null;
  return Number(scaling?.['original_max_position_embeddings'] ?? maxPositionEmbeddings);
}

function ropeKind(scaling: RopeConfig['scaling']): string {
  const kind = scaling?.['rope_type'] ?? scaling?.['type'];
  return typeof kind === 'string' ? kind : 'default';
}

/** f32 inverse frequencies [rotaryDim / 2] and the factor on cos and sin. */
function inverseFrequencies(config: RopeConfig, seq: number): { inverse: Float32Array; factor: number } {
  const { scaling, theta, rotaryDim, maxPositionEmbeddings } = config;
  const kind = ropeKind(scaling);
  const number = (key: string, fallback: number): number => Number(scaling?.[key] ?? fallback);
  const base = (value: number): Float32Array =>
    Float32Array.from(
      { length: rotaryDim / 2 },
      (_, index) => 1 / Math.fround(value ** Math.fround((2 * index) / rotaryDim)),
    );
  switch (kind) {
    case 'default':
      return { inverse: base(theta), factor: 1 };
    case 'linear':
      return { inverse: base(theta).map((value) => value / number('factor', 1)), factor: 1 };
    case 'dynamic': {
      const factor = number('factor', 1);
      // transformers leaves an `original_max_position_embeddings` beside a dynamic scaling unused.
      const length = Math.max(seq, maxPositionEmbeddings);
      const grown = (factor * length) / maxPositionEmbeddings - (factor - 1);
      return { inverse: base(theta * grown ** (rotaryDim / (rotaryDim - 2))), factor: 1 };
    }
    case 'llama3':
      return { inverse: base(theta).map((value) => llama3Frequency(value, maxPositionEmbeddings, number)), factor: 1 };
    case 'yarn':
      return yarnFrequencies(config, number);
    case 'longrope':
      return longFrequencies(config, seq, number);
    default:
      throw new Error(`internal: rope kind ${kind} was let through`);
  }
}

type NumberOf = (key: string, fallback: number) => number;

function llama3Frequency(frequency: number, maxPositions: number, number: NumberOf): number {
  const factor = number('factor', 8);
  const low = number('low_freq_factor', 1);
  const high = number('high_freq_factor', 4);
  const original = number('original_max_position_embeddings', maxPositions);
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return frequency / factor;
  const smooth = (original / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

function yarnFrequencies({ theta, rotaryDim, maxPositionEmbeddings, scaling }: RopeConfig, number: NumberOf) {
  const original = number('original_max_position_embeddings', maxPositionEmbeddings);
  const factor = number('factor', maxPositionEmbeddings / original);
  const dimensionOf = (rotations: number): number =>
    (rotaryDim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const whole = scaling?.['truncate'] !== false;
  const [first, last] = [dimensionOf(number('beta_fast', 32)), dimensionOf(number('beta_slow', 1))];
  const low = Math.max(whole ? Math.floor(first) : first, 0);
  const high = Math.min(whole ? Math.ceil(last) : last, rotaryDim - 1);
  const inverse = Float32Array.from({ length: rotaryDim / 2 }, (_, index) => {
    const plain = 1 / theta ** ((2 * index) / rotaryDim);
    const ramp = Math.min(Math.max((index - low) / Math.max(high - low, 0.001), 0), 1);
    return plain * (1 - ramp) + (plain / factor) * ramp;
  });
  const growth = (strength: number): number => (factor <= 1 ? 1 : 0.1 * strength * Math.log(factor) + 1);
  const [mscale, mscaleAll] = [number('mscale', 0), number('mscale_all_dim', 0)];
  const attention = mscale && mscaleAll ? growth(mscale) / growth(mscaleAll) : growth(1);
  return { inverse, factor: number('attention_factor', attention) };
}

function longFrequencies(
  { scaling, theta, rotaryDim, maxPositionEmbeddings }: RopeConfig,
  seq: number,
  number: NumberOf,
) {
  const original = number('original_max_position_embeddings', maxPositionEmbeddings);
  const stretch = number('factor', maxPositionEmbeddings / original);
  const factors = (seq > original ? scaling?.['long_factor'] : scaling?.['short_factor']) as number[];
  const inverse = Float32Array.from(
    { length: rotaryDim / 2 },
    (_, index) => 1 / (factors[index]! * theta ** ((2 * index) / rotaryDim)),
  );
  const attention = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original));
  return { inverse, factor: number('attention_factor', attention) };
}
