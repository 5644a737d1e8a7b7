/**
 * @file StarCoder 2 (model_type "starcoder2"): layer norms, biases, a plain MLP, grouped key/value heads, rotary positions, a sliding window.
 * Source: Lozhkov et al. 2024; Hugging Face's modeling_starcoder2. Its own dropouts are not applied while an adapter is trained.
 */
import { type Block, sequentialBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeStarcoder2(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'starcoder2', tied: true, kvHeads: 2, maxPositions: 4096, padding: null });
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  const eps = read.number('norm_epsilon', 1e-5);
  const bias = read.bool('use_bias', true);
  const act = read.activation('hidden_act', 'gelu_new');
  const window = read.intOrNull('sliding_window', null);
  const rope = readRope(read, facts);
  read.finish();
  const block = (layer: number): Block => {
    const path = `model.layers.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.self_attn`,
      hidden,
      qkvBias: bias,
      outputBias: bias,
      rope: { tables: 'rope', width: rope.rotaryDim },
    });
    const mlp = makePlainMlp({ path: `${path}.mlp`, hidden, width, bias, act }, ['c_fc', 'c_proj']);
    return sequentialBlock(
      { path, window, attention, mlp },
      {
        beforeAttention: makeLayerNorm(`${path}.input_layernorm`, hidden, eps),
        afterAttention: null,
        beforeMlp: makeLayerNorm(`${path}.post_attention_layernorm`, hidden, eps),
        afterMlp: null,
      },
    );
  };
  return assembleCausalModel({
    facts,
    table: 'model.embed_tokens.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeLayerNorm('model.norm', hidden, eps),
    ropes: { rope },
    defaultTargets: ['q_proj', 'v_proj'],
    names: { prefix: 'model.' },
  });
}
