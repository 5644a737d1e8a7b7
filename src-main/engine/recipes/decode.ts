/**
 * @file Writes several answers at once, token by token, with the cache of keys and values on the device.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Program } from '../compile/program.ts';
import type { LanguageModel } from '../models/model.ts';
import { CACHE_STEP } from '../steps/key-value-cache.ts';
import { sourceArrays, TableCache, tokenArrays } from '../steps/token-inputs.ts';

export type DecodeEnd = 'stop' | 'length' | 'context_full' | 'interrupted';

export interface DecodeOptions {
  readonly program: Program;
  readonly model: LanguageModel;
  /** Token ids of each prompt, at least one; what an encoder-decoder's encoder reads. */
  readonly prompts: readonly ArrayLike<number>[];
  readonly maxNewTokens: number;
  readonly padTokenId: number;
  /** Chooses the next token of a row. @param logits [vocab] */
  readonly choose: (logits: Float32Array, row: number) => number;
  /** Told of each token; true ends the row, the token included in what it wrote only if it is no stop token. */
  readonly isEnd: (token: number, row: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Decoded {
  /** What the row wrote, the token that ended it included. */
  readonly tokens: readonly number[];
  readonly end: DecodeEnd;
}

/** @returns one answer per prompt */
export async function decode(options: DecodeOptions): Promise<Decoded[]> {
  const { model, maxNewTokens, choose, isEnd, signal } = options;
  const setting = settingOf(options);
  const rows = setting.beginnings.map(({ length }): Row => ({ tokens: [], length, end: null }));
  const { vocabSize, maxPositions } = model.facts;
  let { logits, seen } = readAll(setting, rows);
  for (let made = 0; ; made += 1) {
    const next = rows.map((row, index) => {
      if (row.end) return null;
      if (signal?.aborted) row.end = 'interrupted';
      else if (made === maxNewTokens) row.end = 'length';
      else if (row.length === maxPositions) row.end = 'context_full';
      if (row.end) return null;
      const token = choose(logits.subarray(index * vocabSize, (index + 1) * vocabSize), index);
      row.tokens.push(token);
      if (!isEnd(token, index)) return token;
      row.end = 'stop';
      return null;
    });
    if (next.every((token) => token === null)) break;
    const longest = longestOf(rows);
    rows.forEach((row, index) => {
      if (next[index] !== null) row.length += 1;
    });
    const isPast = (length: number): boolean => model.cacheLimit !== null && length > model.cacheLimit;
    if (isPast(longestOf(rows)) && !isPast(longest)) ({ logits, seen } = readAll(setting, rows));
    else logits = decodeOne(setting, seen, rows, next);
    await nextTurn();
  }
  return rows.map(({ tokens, end }) => ({ tokens, end: end! }));
}

interface Row {
  /** What it wrote. */
  readonly tokens: number[];
  /** Tokens that were read or are read next. */
  length: number;
  end: DecodeEnd | null;
}

const longestOf = (rows: readonly Row[]): number => Math.max(...rows.map(({ length }) => length));

/** What stays the same from the first token to the last. */
interface Setting {
  readonly program: Program;
  readonly padTokenId: number;
  readonly tables: TableCache;
  /** What each row begins with: its prompt, or the token that an encoder-decoder's answers begin with. */
  readonly beginnings: readonly ArrayLike<number>[];
  /** Prompts that are read by an encoder; null where the rows begin with them. */
  readonly source: ReturnType<typeof padRight> | null;
}

function settingOf({ program, model, prompts, padTokenId }: DecodeOptions): Setting {
  const common = { program, padTokenId, tables: new TableCache(model) };
  if (model.kind === 'causal') return { ...common, beginnings: prompts, source: null };
  const beginnings = prompts.map(() => [model.decoderStartTokenId]);
  return { ...common, beginnings, source: padRight(prompts, padTokenId) };
}

/** Fills the cache with everything so far. @returns logits after the last token of each row */
function readAll(setting: Setting, rows: readonly Row[]): { logits: Float32Array; seen: Seen } {
  const { program, padTokenId, tables, beginnings, source } = setting;
  const written = rows.map(({ tokens, length }, row) => {
    const beginning = Array.from(beginnings[row]!);
    return [...beginning, ...tokens.slice(0, length - beginning.length)];
  });
  const grid = padRight(written, padTokenId);
  const { arrays, sizes } = tokenArrays(tables, source ? { ...source, decoder: grid } : grid);
  const lastRows = Int32Array.from(rows, ({ length }, row) => row * grid.seq + length - 1);
  const room = roomAfter(grid.seq);
  const outputs = program.call('prefill', { ...sizes, room }, { ...arrays, rows: lastRows });
  const seen = {
    used: grid.seq,
    keys: grid.seq + room,
    positions: widen(grid.positionIds, grid.batch, room),
    segments: widen(grid.segmentIds, grid.batch, room),
  };
  return { logits: outputs['logits'] as Float32Array, seen };
}

/** Rows of one length, padded on the right. */
function padRight(rows: readonly ArrayLike<number>[], padTokenId: number) {
  const seq = Math.max(...rows.map(({ length }) => length));
  const size = rows.length * seq;
  const inputIds = new Int32Array(size).fill(padTokenId);
  const positionIds = new Int32Array(size);
  const segmentIds = new Int32Array(size);
  for (const [row, ids] of rows.entries()) {
    inputIds.set(ids, row * seq);
    for (let index = 0; index < ids.length; index += 1) positionIds[row * seq + index] = index;
    segmentIds.fill(1, row * seq, row * seq + ids.length);
  }
  return { batch: rows.length, seq, inputIds, positionIds, segmentIds };
}

/** What the cache holds. */
interface Seen {
  used: number;
  /** Tokens that it has room for. */
  keys: number;
  /** [batch * keys], 0 where nothing is written yet. */
  positions: Int32Array;
  segments: Int32Array;
}

/** Reads one token of each open row; ended rows read padding that nobody sees. */
function decodeOne(
  { program, padTokenId, tables, source }: Setting,
  seen: Seen,
  rows: readonly Row[],
  next: readonly (number | null)[],
): Float32Array {
  const batch = rows.length;
  const tokens = {
    batch,
    seq: 1,
    inputIds: Int32Array.from(next, (token) => token ?? padTokenId),
    positionIds: Int32Array.from(rows, ({ length }, row) => (next[row] === null ? 0 : length - 1)),
    segmentIds: Int32Array.from(next, (token) => (token === null ? 0 : 1)),
  };
  if (seen.used === seen.keys) growCache(program, seen, batch);
  for (let row = 0; row < batch; row += 1) {
    seen.positions[row * seen.keys + seen.used] = tokens.positionIds[row]!;
    seen.segments[row * seen.keys + seen.used] = tokens.segmentIds[row]!;
  }
  const { arrays, sizes } = tokenArrays(tables, tokens, longestOf(rows));
  const known = source ? sourceArrays(source, true) : { arrays: {}, sizes: {} };
  const outputs = program.call(
    'decode',
    { ...sizes, ...known.sizes, keys: seen.keys },
    {
      ...arrays,
      ...known.arrays,
      key_positions: seen.positions,
      key_segments: seen.segments,
      place: Int32Array.of(seen.used),
      rows: Int32Array.from(rows, (_, row) => row),
    },
  );
  seen.used += 1;
  return outputs['logits'] as Float32Array;
}

/** To the next whole step, and at least one token. */
const roomAfter = (tokens: number): number => CACHE_STEP - (tokens % CACHE_STEP);

function growCache(program: Program, seen: Seen, batch: number): void {
  const room = roomAfter(seen.keys);
  program.call('grow', { batch, past: seen.keys, room }, {});
  seen.positions = widen(seen.positions, batch, room);
  seen.segments = widen(seen.segments, batch, room);
  seen.keys += room;
}

/** [batch, width] with columns of zeros at its right. */
function widen(grid: Int32Array, batch: number, columns: number): Int32Array {
  const width = grid.length / batch;
  const wider = new Int32Array(batch * (width + columns));
  for (let row = 0; row < batch; row += 1) {
    wider.set(grid.subarray(row * width, (row + 1) * width), row * (width + columns));
  }
  return wider;
}
