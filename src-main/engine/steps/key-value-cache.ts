/**
 * @file Keys and values of what was read, kept on the device from step to step, with room for the tokens that come.
 *
 * Room makes a new token cheap: its keys and values are written into memory that is there, in place of a copy of all earlier ones, and the
 * sizes that attention works on change once in `CACHE_STEP` tokens only, for which TensorFlow's libraries prepare. Room that is not written
 * yet holds zeros and belongs to segment 0, so nobody sees it.
 */
import { type Dim, multiplyDims, symbol } from '../device/dim.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { LanguageModel } from '../models/model.ts';
import type { KeysAndValues, KeyValueCache } from '../nn/batch.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { BATCH, SOURCE } from './token-inputs.ts';

/** Tokens that room is made for at a time. */
export const CACHE_STEP = 64;

/** Tokens in the cache before a step, tokens it has room for, and tokens that room is added for. */
const PAST = symbol('past');
export const KEYS = symbol('keys');
export const ROOM = symbol('room');

/** Where a layer's keys and values are kept. */
interface Kept {
  readonly k: Variable;
  readonly v: Variable;
}

export interface CacheVariables {
  readonly own: readonly Kept[];
  /** Of an encoder-decoder's source; they get no room. */
  readonly source: readonly Kept[];
}

/**
 * Keys and values of each layer that writes, [batch, kvHeads, tokens, headDim], and of an encoder-decoder those of the source.
 * They have values once `prefill` has run.
 */
export function cacheOf(
  { kind, facts }: LanguageModel,
  { compute }: { readonly compute: Variable['dtype'] },
): CacheVariables {
  const { layers, decoderLayers = layers, kvHeads, headDim } = facts;
  const variable = (name: string): Variable => ({ name, dtype: compute, shape: [-1, kvHeads, -1, headDim] });
  const keep = (name: string): Kept[] =>
    Array.from({ length: decoderLayers }, (_, layer) => ({
      k: variable(`${name}/${layer}/k`),
      v: variable(`${name}/${layer}/v`),
    }));
  return { own: keep('cache'), source: kind === 'encoder-decoder' ? keep('source') : [] };
}

/** Keeps what a prefill makes, with room for `room` tokens more. */
export function fillCache(runner: Runner, { own, source }: CacheVariables): KeyValueCache {
  const zeros = roomOf(runner, own);
  return {
    extend(layer, made) {
      const { k, v } = own[layer]!;
      runner.assign(k, raw.concat([made.k, zeros], 2).id);
      runner.assign(v, raw.concat([made.v, zeros], 2).id);
      return made;
    },
    source(layer, make) {
      const [{ k, v }, made] = [source[layer]!, make()];
      runner.assign(k, made.k.id);
      runner.assign(v, made.v.id);
      return made;
    },
  };
}

/** Makes room for `room` tokens more than `past`. */
export function growCache(runner: Runner, { own }: CacheVariables): void {
  const zeros = roomOf(runner, own);
  for (const { k, v } of own) {
    for (const variable of [k, v]) runner.assign(variable, raw.concat([read(runner, variable, PAST), zeros], 2).id);
  }
}

/** Puts one token a row into the room. @param place int32 [1]; which token of the cache it becomes */
export function extendCache(runner: Runner, { own, source }: CacheVariables, place: Tensor): KeyValueCache {
  const write = runner.writesInPlace ? writeInPlace(runner, own[0]!.k, place) : writeCopy(runner, place);
  return {
    extend(layer, { k, v }) {
      const kept = own[layer]!;
      return { k: write(kept.k, k), v: write(kept.v, v) };
    },
    source: (layer) => readBoth(runner, source[layer]!),
  };
}

type Write = (variable: Variable, x: Tensor) => Tensor;

/** Seen as rows of one head of one token each, of which these are written. All variables of the cache are alike. */
function writeInPlace(runner: Runner, { shape }: Variable, place: Tensor): Write {
  const [, heads, , headDim] = shape as [number, number, number, number];
  const count = multiplyDims(BATCH, heads);
  const places = raw.add(raw.multiply(raw.range(runner, count), raw.dimTensor(runner, KEYS)), place);
  return (variable, x) => {
    const all = read(runner, variable, KEYS);
    const rows = raw.reshape(all, [multiplyDims(count, KEYS), headDim]);
    return raw.reshape(raw.writeRows(rows, places, raw.reshape(x, [count, headDim])), all.shape);
  };
}

/** Where nothing is changed in place: a cache like the old one, but for this token. */
function writeCopy(runner: Runner, place: Tensor): Write {
  const isOwn = runner.forStep(() =>
    raw.reshape(raw.compare('Equal', raw.range(runner, KEYS), place), [1, 1, KEYS, 1]),
  );
  return (variable, x) => {
    const written = raw.select(isOwn, x, read(runner, variable, KEYS));
    runner.assign(variable, written.id);
    return written;
  };
}

function read(runner: Runner, variable: Variable, tokens: Dim): Tensor {
  const [, kvHeads, , headDim] = variable.shape as [number, number, number, number];
  return makeTensor(runner, runner.read(variable), variable.dtype, [BATCH, kvHeads, tokens, headDim]);
}

const readBoth = (runner: Runner, { k, v }: Kept): KeysAndValues => ({
  k: read(runner, k, SOURCE),
  v: read(runner, v, SOURCE),
});

/** Zeros for `room` tokens of any layer. */
function roomOf(runner: Runner, own: readonly Kept[]): Tensor {
  const { dtype, shape } = own[0]!.k;
  const [, kvHeads, , headDim] = shape as [number, number, number, number];
  return runner.forStep(() => raw.fill(runner, [BATCH, kvHeads, ROOM, headDim], 0, dtype));
}
