/**
 * @file The inputs that every step over tokens has, as specifications, as tensors and as host arrays.
 */
import type { InputSpec, Sizes } from '../compile/program.ts';
import { type Dim, symbol } from '../device/dim.ts';
import type { HostArray } from '../device/runner.ts';
import type { HostTable, Model } from '../models/model.ts';
import type { KeyValueCache, SourceBatch, TokenBatch } from '../nn/batch.ts';
import type { Tensor } from '../ops/tensor.ts';

export const BATCH = symbol('batch');
export const SEQ = symbol('seq');
const POSITIONS = symbol('positions');
export const SOURCE = symbol('source');

export type Specs = Readonly<Record<string, InputSpec>>;
export type Arrays = Readonly<Record<string, HostArray>>;

/** Token ids, positions, segments and the model's tables; an encoder-decoder's are the decoder's, and the source stands beside them. */
export function tokenSpecs(model: Model & { readonly kind: string }, seq: Dim = SEQ): Specs {
  const grid: InputSpec = { dtype: 'int32', shape: [BATCH, seq] };
  const tables = Object.entries(model.hostTables(1, 1)).map(([name, { shape }]): [string, InputSpec] => [
    tableInput(name),
    { dtype: 'float32', shape: [POSITIONS, shape[1]] },
  ]);
  return { ids: grid, positions: grid, segments: grid, ...sourceSpecs(model), ...Object.fromEntries(tables) };
}

function sourceSpecs({ kind }: { readonly kind: string }): Specs {
  const grid: InputSpec = { dtype: 'int32', shape: [BATCH, SOURCE] };
  return kind === 'encoder-decoder' ? { source_ids: grid, source_segments: grid } : {};
}

/** The same for a step of one token a row, whose source was read before: its padding is all that is still to be known of it. */
export function writtenSpecs(model: Model & { readonly kind: string }): Specs {
  const { source_ids: _read, ...specs } = tokenSpecs(model, 1);
  return specs;
}

const tableInput = (name: string): string => `table_${name}`;

export const isTableInput = (input: string): boolean => input.startsWith(tableInput(''));

/** What a layer sees of a step's inputs. Without a cache the keys are the step's own tokens. */
export function tokenBatch(
  model: Model,
  inputs: Readonly<Record<string, Tensor>>,
  past: { seq: Dim; keys: Dim; keyPositions: Tensor; keySegments: Tensor; cache: KeyValueCache } | null = null,
): TokenBatch {
  const names = Object.keys(model.hostTables(1, 1));
  return {
    batch: BATCH,
    seq: past?.seq ?? SEQ,
    keys: past?.keys ?? SEQ,
    ids: inputs['ids']!,
    positions: inputs['positions']!,
    segments: inputs['segments']!,
    keyPositions: past?.keyPositions ?? inputs['positions']!,
    keySegments: past?.keySegments ?? inputs['segments']!,
    tables: Object.fromEntries(names.map((name) => [name, inputs[tableInput(name)]!])),
    cache: past?.cache ?? null,
    parts: 1,
    source: sourceBatch(inputs),
  };
}

function sourceBatch({
  source_ids: ids,
  source_segments: segments,
}: Readonly<Record<string, Tensor>>): SourceBatch | null {
  return segments ? { seq: SOURCE, ids: ids ?? null, segments } : null;
}

export interface TokenArrays {
  readonly batch: number;
  readonly seq: number;
  /** Each [batch * seq]. */
  readonly inputIds: Int32Array;
  readonly positionIds: Int32Array;
  readonly segmentIds: Int32Array;
  /** Encoder-decoders: what the decoder reads; the rest is the source then. */
  readonly decoder?: Omit<TokenArrays, 'batch' | 'decoder'> | null;
}

/** Tables are made for a multiple of this many positions, so that one serves many lengths. */
const POSITION_STEP = 128;
const MOST_TABLES = 16;

/** Makes the tables once per length. */
export class TableCache {
  readonly #model: Model;
  readonly #known = new Map<string, Readonly<Record<string, HostTable>>>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** @param seq tokens of the longest sequence, cached ones included: positions are below it */
  get(seq: number): { arrays: Arrays; positions: number } {
    const positions = Math.ceil(seq / POSITION_STEP) * POSITION_STEP;
    const key = this.#model.tablesDependOnLength ? `${positions}/${seq}` : String(positions);
    const tables = this.#known.get(key) ?? this.#model.hostTables(positions, seq);
    if (this.#known.size >= MOST_TABLES) this.#known.clear();
    this.#known.set(key, tables);
    const arrays = Object.entries(tables).map(([name, { values }]) => [tableInput(name), values] as const);
    return { arrays: Object.fromEntries(arrays), positions };
  }
}

/**
 * Host arrays and sizes for a batch.
 * @param longest tokens of the longest sequence, cached ones included; by the positions where left out: neither padding nor packing
 *   makes a sequence longer
 */
export function tokenArrays(
  tables: TableCache,
  tokens: TokenArrays,
  longest: number = longestOf(tokens),
): { arrays: Arrays; sizes: Sizes } {
  const { arrays, positions } = tables.get(longest);
  const written = tokens.decoder ?? tokens;
  const source = tokens.decoder ? sourceArrays(tokens) : { arrays: {}, sizes: {} };
  const { inputIds: ids, positionIds, segmentIds: segments, seq } = written;
  return {
    arrays: { ids, positions: positionIds, segments, ...source.arrays, ...arrays },
    sizes: { batch: tokens.batch, seq, positions, ...source.sizes },
  };
}

/** The arrays of a source: all, or those that `writtenSpecs` names. */
export function sourceArrays({ inputIds, segmentIds, seq }: Omit<TokenArrays, 'batch'>, isRead = false) {
  const arrays: Arrays = { ...(isRead ? {} : { source_ids: inputIds }), source_segments: segmentIds };
  return { arrays, sizes: { source: seq } };
}

/** Tokens of the longest sequence, by its positions. */
export function longestOf({ positionIds, decoder }: Pick<TokenArrays, 'positionIds' | 'decoder'>): number {
  const last = positionIds.reduce((most, position) => Math.max(most, position), 0);
  return Math.max(last + 1, decoder ? longestOf(decoder) : 0);
}
