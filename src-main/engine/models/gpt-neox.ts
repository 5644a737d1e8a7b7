/**
 * @file GPT-NeoX and Pythia (model_type "gpt_neox"): attention and a plain MLP side by side, each with a layer norm of its own; one linear
 * holds queries, keys and values head by head; a quarter of each head is rotated.
 * Source: Black et al. 2022; Hugging Face's modeling_gpt_neox. Its own dropouts are not applied while an adapter is trained.
 */
import { type Block, parallelBlock, sequentialBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeGptNeox(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'gpt_neox' });
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  const eps = read.number('layer_norm_eps', 1e-5);
  const act = read.activation('hidden_act', 'gelu');
  const attentionBias = read.bool('attention_bias', true);
  const isParallel = read.bool('use_parallel_residual', true);
  const rope = readRope(read, facts, { thetaKey: 'rotary_emb_base', partialKey: 'rotary_pct', partial: 0.25 });
  read.finish();
  const block = (layer: number): Block => {
    const path = `gpt_neox.layers.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.attention`,
      hidden,
      projection: { layout: 'grouped', qkv: 'query_key_value' },
      outputName: 'dense',
      qkvBias: attentionBias,
      outputBias: attentionBias,
      rope: { tables: 'rope', width: rope.rotaryDim },
    });
    const names = ['dense_h_to_4h', 'dense_4h_to_h'] as const;
    const mlp = makePlainMlp({ path: `${path}.mlp`, hidden, width, bias: true, act }, names);
    const parts = { path, window: null, attention, mlp };
    const beforeAttention = makeLayerNorm(`${path}.input_layernorm`, hidden, eps);
    const beforeMlp = makeLayerNorm(`${path}.post_attention_layernorm`, hidden, eps);
    if (isParallel) return parallelBlock(parts, beforeAttention, beforeMlp);
    return sequentialBlock(parts, { beforeAttention, afterAttention: null, beforeMlp, afterMlp: null });
  };
  return assembleCausalModel({
    facts,
    table: 'gpt_neox.embed_in.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeLayerNorm('gpt_neox.final_layer_norm', hidden, eps),
    ropes: { rope },
    defaultTargets: ['query_key_value'],
    names: {
      prefix: 'gpt_neox.',
      ignored: /\.attention\.(masked_)?bias$/,
      // Before transformers 5.
      renamed: { 'embed_out.weight': 'lm_head.weight' },
    },
  });
}
