/**
 * @file PiSSA: A and B start as the largest singular part of W, and W is frozen without that part.
 *
 * W = U S V^T; with the r largest, B = U sqrt(S / scale), A = sqrt(S / scale) V^T, and the frozen matrix is W - scale B A. Such an adapter
 * belongs to a base that no file holds, so it is saved as an ordinary one of doubled rank for the original W:
 * scale (B A - B0 A0) = scale [B | -B0] [A; A0]. Source: Meng et al. 2024; PEFT's pissa_init and subtract_mutated_init (0.21).
 */
import type { AdapterTensor } from '../formats/peft-adapter.ts';
import { scaleOf } from '../formats/peft-config.ts';
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';
import type { AdapterTarget } from './adaptable-model.ts';
import type { ReadBase } from './base-weights.ts';
import { addUpdateRow } from './low-rank-product.ts';
import { findLargestSingular } from './svd.ts';

/** A [rank, in] and B [out, rank], row by row. */
export interface LowRankPair {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

/** Splits the largest part off a matrix. @param weight [out, in], row by row */
export function splitLargestPart(
  weight: Float32Array,
  { inFeatures, outFeatures }: Pick<AdapterTarget, 'inFeatures' | 'outFeatures'>,
  rank: number,
  scale: number,
): LowRankPair {
  const matrix = { values: weight, rows: outFeatures, columns: inFeatures };
  const { values, left, right } = findLargestSingular(matrix, rank);
  const a = new Float32Array(rank * inFeatures);
  const b = new Float32Array(outFeatures * rank);
  for (let k = 0; k < rank; k += 1) {
    const root = Math.sqrt(values[k]! / scale);
    for (let j = 0; j < inFeatures; j += 1) a[k * inFeatures + j] = root * right[k]![j]!;
    for (let i = 0; i < outFeatures; i += 1) b[i * rank + k] = root * left[k]![i]!;
  }
  return { a, b };
}

/** W - scale B A. */
export function subtractPart(
  weight: Float32Array,
  { a, b }: LowRankPair,
  rank: number,
  scale: number,
): Float32Array<ArrayBuffer> {
  const columns = a.length / rank;
  const residual = new Float32Array(weight.length);
  const row = new Float64Array(columns);
  for (let i = 0; i < weight.length / columns; i += 1) {
    row.set(weight.subarray(i * columns, (i + 1) * columns));
    addUpdateRow({ rank, scale: -scale, a, b, s: null }, i, row);
    residual.set(row, i * columns);
  }
  return residual;
}

/** The start of every adapted linear, found once and kept: it is needed again whenever the adapter is saved. */
export class PissaStart {
  readonly #read: ReadBase;
  readonly #scaling: Parameters<typeof scaleOf>[0];
  readonly #pairs = new Map<string, Promise<LowRankPair>>();

  constructor(read: ReadBase, scaling: Parameters<typeof scaleOf>[0]) {
    this.#read = read;
    this.#scaling = scaling;
  }

  /** Of a table nothing is split off (as in PEFT): zeros. */
  async pairOf(target: AdapterTarget, rank: number): Promise<LowRankPair> {
    const { path, inFeatures, outFeatures, isTable } = target;
    if (isTable) return { a: new Float32Array(rank * inFeatures), b: new Float32Array(outFeatures * rank) };
    const known = this.#pairs.get(path);
    if (known) return known;
    const made = this.#read(`${path}.weight`).then((weight) =>
      splitLargestPart(weight, target, rank, scaleOf(this.#scaling, path)),
    );
    this.#pairs.set(path, made);
    return made;
  }

  /** The frozen matrix beside the pair. */
  async residualOf(linear: AdapterTarget, rank: number): Promise<Float32Array<ArrayBuffer>> {
    const pair = await this.pairOf(linear, rank);
    return subtractPart(await this.#read(`${linear.path}.weight`), pair, rank, scaleOf(this.#scaling, linear.path));
  }
}

/** Settings of the ordinary adapter of doubled rank, with the same scale for every module. */
export function doubleRank<
  T extends Pick<PeftConfig, 'r' | 'lora_alpha' | 'rank_pattern' | 'alpha_pattern' | 'use_rslora'>,
>(settings: T): T {
  const factor = settings.use_rslora ? Math.SQRT2 : 2;
  const times = (patterns: Readonly<Record<string, number>>, by: number) =>
    Object.fromEntries(Object.entries(patterns).map(([pattern, value]) => [pattern, value * by]));
  return {
    ...settings,
    r: settings.r * 2,
    lora_alpha: settings.lora_alpha * factor,
    rank_pattern: times(settings.rank_pattern, 2),
    alpha_pattern: times(settings.alpha_pattern, factor),
  };
}

/** [A; A0] */
export function joinA(a: Float32Array, start: Float32Array, columns: number): AdapterTensor {
  const data = new Float32Array(a.length + start.length);
  data.set(a);
  data.set(start, a.length);
  return { shape: [data.length / columns, columns], data };
}

/** [B | -B0] */
export function joinB(b: Float32Array, start: Float32Array, rank: number): AdapterTensor {
  const rows = b.length / rank;
  const data = new Float32Array(2 * b.length);
  for (let i = 0; i < rows; i += 1) {
    data.set(b.subarray(i * rank, (i + 1) * rank), 2 * i * rank);
    for (let k = 0; k < rank; k += 1) data[(2 * i + 1) * rank + k] = -start[i * rank + k]!;
  }
  return { shape: [rows, 2 * rank], data };
}

/** The first half of the rows: A of [A; A0]. */
export function firstRows({ data }: AdapterTensor): Float32Array<ArrayBuffer> {
  return data.slice(0, data.length / 2);
}

/** The first half of the columns: B of [B | -B0]. */
export function firstColumns({ shape, data }: AdapterTensor): Float32Array<ArrayBuffer> {
  const width = shape[1]!;
  const kept = new Float32Array(data.length / 2);
  for (let i = 0; i < shape[0]!; i += 1) kept.set(data.subarray(i * width, i * width + width / 2), (i * width) / 2);
  return kept;
}
