/**
 * @file Writing text: `prefill` reads the prompts and fills the cache of keys and values, `decode` reads one more token per row. An
 * encoder-decoder reads its prompts with the encoder, once, and the answer's first token with the decoder.
 *
 * Rows of a batch are padded on the right; a padded place has segment 0 and is seen by nobody, so every row keeps its own positions.
 */
import type { Entry, InputSpec } from '../compile/program.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { LanguageModel } from '../models/model.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { type ForwardOptions, forwardContext } from './evaluate-step.ts';
import { cacheOf, extendCache, fillCache, growCache, KEYS, ROOM } from './key-value-cache.ts';
import { BATCH, tokenBatch, tokenSpecs, writtenSpecs } from './token-inputs.ts';

/** What an inference session keeps beside weights, see key-value-cache.ts. */
export function cacheVariables(model: LanguageModel, plan: { readonly compute: Variable['dtype'] }): Variable[] {
  const { own, source } = cacheOf(model, plan);
  return [...own, ...source].flatMap(({ k, v }) => [k, v]);
}

/**
 * Entries `prefill`, `grow` and `decode`. Output of the first and last: `logits` [batch, vocab], f32, at the flat positions `rows`.
 *
 * `prefill` leaves a cache of seq + room tokens, `grow` makes past + room of past. `decode` gets the positions and segments of all `keys`
 * tokens that the cache has room for, its own included, segment 0 where nothing is written yet, and the place of its own.
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
    const ctx = forwardContext(runner, options, { decoding: past?.seq === 1 });
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
      name: 'grow',
      inputs: {},
      run(runner) {
        growCache(runner, kept);
        return { room: raw.dimTensor(runner, ROOM) };
      },
    },
    {
      name: 'decode',
      inputs: {
        ...writtenSpecs(model),
        rows,
        key_positions: keys,
        key_segments: keys,
        place: { dtype: 'int32', shape: [1] },
      },
      run(runner, inputs) {
        const cache = extendCache(runner, kept, inputs['place']!);
        const [keyPositions, keySegments] = [inputs['key_positions']!, inputs['key_segments']!];
        return logitsOf(runner, inputs, { seq: 1, keys: KEYS, keyPositions, keySegments, cache });
      },
    },
  ];
}
