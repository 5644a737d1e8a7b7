/**
 * @file Falcon (model_type "falcon", in old files "RefinedWeb" and "RefinedWebModel"): three architectures under one name.
 *
 * Falcon 7B: attention with one key/value head and a plain MLP side by side over one norm. Falcon 40B (new decoder architecture): several
 * key/value heads, and a norm for each branch. RefinedWeb: all heads, branches one after the other, ALiBi instead of rotary positions.
 * Source: Almazrouei et al. 2023; Penedo et al. 2023; Hugging Face's modeling_falcon. Dropouts are not applied while an adapter is trained.
 */
import { alibiMask } from '../nn/alibi.ts';
import { type Block, parallelBlock, sequentialBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

const KEYS = {
  hidden_size: ['n_embed'],
  num_attention_heads: ['n_head'],
  num_hidden_layers: ['n_layer'],
  num_key_value_heads: ['num_kv_heads', 'n_head_kv'],
  intermediate_size: ['ffn_hidden_size'],
};

/** @param config parsed config.json @throws model/bad-config */
export function makeFalcon(config: RawConfig): CausalModel {
  const read = new ConfigReader(config, KEYS);
  const isNew = read.bool('new_decoder_architecture', isOldNameOf40B(config));
  const isMultiQuery = read.bool('multi_query', true);
  const isParallel = read.bool('parallel_attn', true);
  if (isNew && !isParallel)
    read.fault('parallel_attn', 'is false, but the new decoder architecture is always parallel');
  const sizes = readFacts(read, { modelType: 'falcon', tied: true, intermediate: (hidden) => 4 * hidden });
  const facts = { ...sizes, kvHeads: isNew ? sizes.kvHeads : isMultiQuery ? 1 : sizes.heads };
  const { hiddenSize: hidden, intermediateSize: width, heads, headDim } = facts;
  const bias = read.bool('bias', false);
  const eps = read.number('layer_norm_epsilon', 1e-5);
  const act = read.activation('activation', 'gelu');
  const hasTwoNorms = isNew && (read.intOrNull('num_ln_in_parallel_attn', null) ?? 2) === 2;
  const rope = read.bool('alibi', false) ? null : readRope(read, facts);
  read.finish();
  const block = (layer: number): Block => {
    const path = `transformer.h.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.self_attention`,
      hidden,
      projection: { layout: 'grouped', qkv: 'query_key_value' },
      outputName: 'dense',
      qkvBias: bias,
      outputBias: bias,
      rope: rope && { tables: 'rope', width: rope.rotaryDim },
    });
    const names = ['dense_h_to_4h', 'dense_4h_to_h'] as const;
    const mlp = makePlainMlp({ path: `${path}.mlp`, hidden, width, bias, act }, names);
    const parts = { path, window: null, attention, mlp };
    const norm = (name: string) => makeLayerNorm(`${path}.${name}`, hidden, eps);
    if (hasTwoNorms) return parallelBlock(parts, norm('ln_attn'), norm('ln_mlp'));
    if (isParallel) return parallelBlock(parts, norm('input_layernorm'), null);
    return sequentialBlock(parts, {
      beforeAttention: norm('input_layernorm'),
      afterAttention: null,
      beforeMlp: norm('post_attention_layernorm'),
      afterMlp: null,
    });
  };
  return assembleCausalModel({
    facts,
    table: 'transformer.word_embeddings.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeLayerNorm('transformer.ln_f', hidden, eps),
    ropes: rope ? { rope } : {},
    ...(!rope && { makeMask: (ctx, tokens) => alibiMask(ctx, tokens, heads, headDim ** -0.5) }),
    defaultTargets: ['query_key_value'],
    names: { prefix: 'transformer.' },
  });
}

/** Files of Falcon 40B from before transformers knew it say so by the number of key/value heads alone. */
const isOldNameOf40B = (config: RawConfig): boolean =>
  config['model_type'] === 'RefinedWeb' && typeof config['n_head_kv'] === 'number';
