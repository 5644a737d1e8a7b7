/**
 * @file Writing text: `prefill` reads the prompts and fills the cache of keys and values, `decode` reads one more token per row.
 *
 * Rows of a batch are padded on the right; a padded place has segment 0 and is seen by nobody, so every row keeps its own positions.
 */
import type { Entry, InputSpec } from '../compile/program.ts';
import { type Dim, symbol } from '../device/dim.ts';
import type { Runner, Variable } from '../device/runner.ts';
import type { CausalModel } from '../models/model.ts';
import type { KeyValueCache } from '../nn/batch.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { type ForwardOptions, forwardContext } from './evaluate-step.ts';
import { BATCH, tokenBatch, tokenSpecs } from './token-inputs.ts';

const PAST = symbol('past');
const KEYS = symbol('keys');

/** Keys and values of each layer, [batch, tokens so far, kvHeads, headDim]. They have values once `prefill` has run. */
export function cacheVariables(model: CausalModel, { compute }: { readonly compute: Variable['dtype'] }): Variable[] {
  const { layers, kvHeads, headDim } = model.facts;
  return Array.from({ length: layers }, (_, layer) =>
    (['k', 'v'] as const).map((part) => ({
      name: `cache/${layer}/${part}`,
      dtype: compute,
      shape: [-1, -1, kvHeads, headDim],
    })),
  ).flat();
}

/**
 * Entries `prefill` and `decode`. Output of both: `logits` [batch, vocab], f32, at the flat positions `rows`.
 * `decode` gets [batch, keys] positions and segments of all tokens, the new one last; keys = past + seq.
 */
export function generateEntries(options: ForwardOptions & { readonly model: CausalModel }): Entry[] {
  const { model, plan } = options;
  const variables = cacheVariables(model, plan);
  const specs = { ...tokenSpecs(model), rows: { dtype: 'int32', shape: [BATCH] } as InputSpec };
  const keys: InputSpec = { dtype: 'int32', shape: [BATCH, KEYS] };
  const logitsOf = (
    runner: Runner,
    inputs: Readonly<Record<string, Tensor>>,
    past: Parameters<typeof tokenBatch>[2],
  ) => {
    const ctx = forwardContext(runner, options);
    const states = model.forward(ctx, tokenBatch(model, inputs, past));
    return { logits: raw.cast(model.head(ctx, raw.gatherRows(states, inputs['rows']!)), 'float32') };
  };
  return [
    {
      name: 'prefill',
      inputs: specs,
      run(runner, inputs) {
        const cache = fillCache(runner, variables);
        const [keyPositions, keySegments] = [inputs['positions']!, inputs['segments']!];
        return logitsOf(runner, inputs, { keys: inputs['ids']!.shape[1]!, keyPositions, keySegments, cache });
      },
    },
    {
      name: 'decode',
      inputs: { ...specs, key_positions: keys, key_segments: keys },
      run(runner, inputs) {
        const cache = extendCache(runner, variables, KEYS);
        const past = {
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

function fillCache(runner: Runner, variables: readonly Variable[]): KeyValueCache {
  return {
    extend(layer, k, v) {
      runner.assign(variables[layer * 2]!, k.id);
      runner.assign(variables[layer * 2 + 1]!, v.id);
      return { k, v };
    },
  };
}

function extendCache(runner: Runner, variables: readonly Variable[], keys: Dim): KeyValueCache {
  const append = (variable: Variable, x: Tensor): Tensor => {
    const [, , kvHeads, headDim] = x.shape as [Dim, Dim, number, number];
    const past = makeTensor(runner, runner.read(variable), variable.dtype, [BATCH, PAST, kvHeads, headDim]);
    const joined = { ...raw.concat([past, x], 1), shape: [BATCH, keys, kvHeads, headDim] };
    runner.assign(variable, joined.id);
    return joined;
  };
  return {
    extend: (layer, k, v) => ({ k: append(variables[layer * 2]!, k), v: append(variables[layer * 2 + 1]!, v) }),
  };
}
