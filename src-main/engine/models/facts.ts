/**
 * @file The sizes that every family's config.json holds, read under transformers' common names.
 */
import type { ConfigReader } from './config-reader.ts';
import type { ModelFacts } from './model.ts';

/** What a family's config class assumes where its config.json says nothing. */
export interface FactDefaults {
  readonly modelType: string;
  readonly tied?: boolean;
  /** null = as many as heads. */
  readonly kvHeads?: number | null;
  /** null = hidden_size / num_attention_heads. */
  readonly headDim?: number | null;
  readonly intermediate?: (hidden: number) => number;
  readonly maxPositions?: number;
  /** `pad_token_id` where config.json does not say; left out = the family gives its token table no padding row. */
  readonly padding?: number | null;
}

/** @returns sizes; what is wrong with them is among the reader's faults */
export function readFacts(read: ConfigReader, defaults: FactDefaults): ModelFacts {
  const hiddenSize = read.int('hidden_size');
  const heads = read.int('num_attention_heads');
  const kvHeads = read.intOrNull('num_key_value_heads', defaults.kvHeads ?? null) ?? heads;
  const givenHeadDim = read.intOrNull('head_dim', defaults.headDim ?? null);
  const headDim = givenHeadDim ?? Math.max(1, Math.floor(hiddenSize / heads));
  const { sizesAreKnown } = read;
  if (sizesAreKnown && heads % kvHeads !== 0)
    read.fault('num_key_value_heads', `${kvHeads} does not divide ${heads} heads`);
  if (sizesAreKnown && givenHeadDim === null && hiddenSize % heads !== 0) {
    read.fault('num_attention_heads', `${heads} does not divide the hidden size ${hiddenSize}`);
  }
  return {
    modelType: defaults.modelType,
    vocabSize: read.int('vocab_size'),
    hiddenSize,
    layers: read.int('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    intermediateSize: read.intOrNull('intermediate_size', null) ?? readDefaultWidth(read, defaults, hiddenSize),
    maxPositions: read.int('max_position_embeddings', defaults.maxPositions ?? 2048),
    tiedEmbeddings: read.bool('tie_word_embeddings', defaults.tied ?? false),
    paddingRow: readPaddingRow(read, defaults),
  };
}

/** What transformers gives torch as `padding_idx`: counted from the end where it is negative. */
function readPaddingRow(read: ConfigReader, { padding }: FactDefaults): number | null {
  if (padding === undefined) return null;
  const given = read.value('pad_token_id');
  const id = given === undefined ? padding : given;
  if (typeof id !== 'number' || !Number.isInteger(id)) return null;
  const rows = read.int('vocab_size');
  const row = id < 0 ? rows + id : id;
  return row >= 0 && row < rows ? row : null;
}

function readDefaultWidth(read: ConfigReader, { intermediate }: FactDefaults, hidden: number): number {
  return intermediate ? intermediate(hidden) : read.int('intermediate_size');
}

/**
 * Sliding window of each layer, null = full attention, from `layer_types` or from the family's own rule.
 * @param isSliding the rule where `layer_types` is not given
 */
export function readWindows(
  read: ConfigReader,
  layers: number,
  window: number | null,
  isSliding: (layer: number) => boolean,
): (number | null)[] {
  const types = read.perLayer('layer_types', layers);
  const unknown = types?.find((type) => type !== 'sliding_attention' && type !== 'full_attention');
  if (unknown !== undefined) read.fault('layer_types', `${JSON.stringify(unknown)} is not known`);
  return Array.from({ length: layers }, (_, layer) =>
    (types ? types[layer] === 'sliding_attention' : isSliding(layer)) ? window : null,
  );
}
