/**
 * @file GPT-2 (model_type "gpt2"): learned positions, layer norms, one linear for queries, keys and values, a plain MLP. Its linears are
 * stored as [in, out].
 * Source: Radford et al. 2019; Hugging Face's modeling_gpt2. Its own dropouts are not applied while an adapter is trained.
 */
import { type Block, sequentialBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';

const KEYS = {
  hidden_size: ['n_embd'],
  num_attention_heads: ['n_head'],
  num_hidden_layers: ['n_layer'],
  max_position_embeddings: ['n_positions'],
  intermediate_size: ['n_inner'],
};

/** @param config parsed config.json @throws model/bad-config */
export function makeGpt2(config: RawConfig): CausalModel {
  const read = new ConfigReader(config, KEYS);
  const facts = readFacts(read, {
    modelType: 'gpt2',
    tied: true,
    maxPositions: 1024,
    intermediate: (hidden) => 4 * hidden,
  });
  const { hiddenSize: hidden, intermediateSize: width, headDim } = facts;
  const eps = read.number('layer_norm_epsilon', 1e-5);
  const act = read.activation('activation_function', 'gelu_new');
  const isScaled = read.bool('scale_attn_weights', true);
  const isScaledByLayer = read.bool('scale_attn_by_inverse_layer_idx', false);
  read.requireOff('add_cross_attention', 'this is the decoder of a model with an encoder');
  read.finish();
  const block = (layer: number): Block => {
    const path = `transformer.h.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.attn`,
      hidden,
      projection: { layout: 'stacked', qkv: 'c_attn', transposed: true },
      outputName: 'c_proj',
      qkvBias: true,
      outputBias: true,
      scale: (isScaled ? headDim ** -0.5 : 1) / (isScaledByLayer ? layer + 1 : 1),
      rope: null,
    });
    const mlp = makePlainMlp({ path: `${path}.mlp`, hidden, width, bias: true, act }, ['c_fc', 'c_proj'], true);
    return sequentialBlock(
      { path, window: null, attention, mlp },
      {
        beforeAttention: makeLayerNorm(`${path}.ln_1`, hidden, eps),
        afterAttention: null,
        beforeMlp: makeLayerNorm(`${path}.ln_2`, hidden, eps),
        afterMlp: null,
      },
    );
  };
  return assembleCausalModel({
    facts,
    table: 'transformer.wte.weight',
    positionTable: 'transformer.wpe.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeLayerNorm('transformer.ln_f', hidden, eps),
    defaultTargets: ['c_attn'],
    names: { prefix: 'transformer.', ignored: /\.attn\.(masked_)?bias$/ },
  });
}
