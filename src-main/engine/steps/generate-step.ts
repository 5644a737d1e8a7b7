/**
 * @file Writing text: `prefill` reads the prompts and fills the cache of keys and values, `decode` reads one more token per row. An
 * encoder-decoder reads its prompts with the encoder, once, and the answer's first token with the decoder.
 *
 * Rows of a batch are padded on the right; a padded place has segment 0 and is seen by nobody, so every row keeps its own positions.
 */
import type { Entry, InputSpec } from '../compile/program.ts';
import { type Dim, symbol } from '../device/dim.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { LanguageModel } from '../models/model.ts';
import type { KeysAndValues, KeyValueCache } from '../nn/batch.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { type ForwardOptions, forwardContext } from './evaluate-step.ts';
import { BATCH, SOURCE, tokenBatch, tokenSpecs, writtenSpecs } from './token-inputs.ts';

const PAST = symbol('past');
const KEYS = symbol('keys');

type Compute = { readonly compute: Variable['dtype'] };

/**
 * Keys and values of each layer that writes, [batch, kvHeads, tokens so far, headDim], and of an encoder-decoder those of the source.
 * They have values once `prefill` has run.
 */
export function cacheVariables(model: LanguageModel, plan: Compute): Variable[] {
  const { own, source } = cacheOf(model, plan);
  return [...own, ...source].flatMap(({ k, v }) => [k, v]);
}

/** Where a layer's keys and values are kept. */
interface Kept {
  readonly k: Variable;
  readonly v: Variable;
}

function cacheOf({ kind, facts }: LanguageModel, { compute }: Compute): { own: Kept[]; source: Kept[] } {
  const { layers, decoderLayers = layers, kvHeads, headDim } = facts;
  const variable = (name: string): Variable => ({ name, dtype: compute, shape: [-1, kvHeads, -1, headDim] });
  const keep = (name: string): Kept[] =>
    Array.from({ length: decoderLayers }, (_, layer) => ({
      k: variable(`${name}/${layer}/k`),
      v: variable(`${name}/${layer}/v`),
    }));
  return { own: keep('cache'), source: kind === 'encoder-decoder' ? keep('source') : [] };
}

/**
 * Entries `prefill` and `decode`. Output of both: `logits` [batch, vocab], f32, at the flat positions `rows`.
 * `decode` gets [batch, keys] positions and segments of all tokens, the new one last; keys = past + seq.
 */
export function generateEntries(options: ForwardOptions & { readonly model: LanguageModel }): Entry[] {
  const { model, plan } = options;
  const kept = cacheOf(model, plan);
  const rows: InputSpec = { dtype: 'int32', shape: [BATCH] };
  const keys: InputSpec = { dtype: 'int32', shape: [BATCH, KEYS] };
  const logitsOf = (
    runner: Runner,
    inputs: Readonly<Record<string, Tensor>>,
    past: Parameters<typeof tokenBatch>[2],
  ) => {
    // What is decoded was prefilled with the same adapters.
    const ctx = forwardContext(runner, options, { roomsFilled: past?.seq === 1 });
    const states = model.forward(ctx, tokenBatch(model, inputs, past));
    return { logits: raw.cast(model.head(ctx, raw.gatherRows(states, inputs['rows']!)), 'float32') };
  };
  return [
    {
      name: 'prefill',
      inputs: { ...tokenSpecs(model), rows },
      run(runner, inputs) {
        const cache = fillCache(runner, kept);
        const [keyPositions, keySegments] = [inputs['positions']!, inputs['segments']!];
        const seq = inputs['ids']!.shape[1]!;
        return logitsOf(runner, inputs, { seq, keys: seq, keyPositions, keySegments, cache });
      },
    },
    {
      name: 'decode',
      inputs: { ...writtenSpecs(model), rows, key_positions: keys, key_segments: keys },
      run(runner, inputs) {
        const cache = extendCache(runner, kept, KEYS);
        const past = {
          seq: 1,
          keys: KEYS,
          keyPositions: inputs['key_positions']!,
          keySegments: inputs['key_segments']!,
          cache,
        };
        return logitsOf(runner, inputs, past);
      },
    },
  ];
}

type Cache = ReturnType<typeof cacheOf>;

function fillCache(runner: Runner, { own, source }: Cache): KeyValueCache {
  const put = ({ k, v }: Kept, made: KeysAndValues): KeysAndValues => {
    runner.assign(k, made.k.id);
    runner.assign(v, made.v.id);
    return made;
  };
  return {
    extend: (layer, made) => put(own[layer]!, made),
    source: (layer, make) => put(source[layer]!, make()),
  };
}

function extendCache(runner: Runner, { own, source }: Cache, keys: Dim): KeyValueCache {
  const read = (variable: Variable, seq: Dim): Tensor => {
    const [, kvHeads, , headDim] = variable.shape as [number, number, number, number];
    return makeTensor(runner, runner.read(variable), variable.dtype, [BATCH, kvHeads, seq, headDim]);
  };
  const append = (variable: Variable, x: Tensor): Tensor => {
    const past = read(variable, PAST);
    const joined = { ...raw.concat([past, x], 2), shape: past.shape.with(2, keys) };
    runner.assign(variable, joined.id);
    return joined;
  };
  return {
    extend: (layer, { k, v }) => ({ k: append(own[layer]!.k, k), v: append(own[layer]!.v, v) }),
    source: (layer) => ({ k: read(source[layer]!.k, SOURCE), v: read(source[layer]!.v, SOURCE) }),
  };
}
