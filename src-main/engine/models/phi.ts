/**
 * @file Phi 1, 1.5 and 2 (model_type "phi"): attention and a plain MLP side by side over one layer norm, biases everywhere, half of each
 * head rotated.
 * Source: Li et al. 2023; Hugging Face's modeling_phi. Its own dropouts are not applied while an adapter is trained.
 */
import { type Block, parallelBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makePhi(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'phi', padding: null });
  const { hiddenSize: hidden, intermediateSize: width, headDim } = facts;
  const eps = read.number('layer_norm_eps', 1e-5);
  const act = read.activation('hidden_act', 'gelu_new');
  const qkNorm = read.bool('qk_layernorm', false);
  read.requireOff('tie_word_embeddings', 'the head of this family has a bias, so it cannot be the embedding');
  const rope = readRope(read, facts, { partial: 0.5 });
  read.finish();
  const block = (layer: number): Block => {
    const path = `model.layers.${layer}`;
    const headNorm = (name: string) => makeLayerNorm(`${path}.self_attn.${name}`, headDim, eps);
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.self_attn`,
      hidden,
      outputName: 'dense',
      qkvBias: true,
      outputBias: true,
      rope: { tables: 'rope', width: rope.rotaryDim },
      norms: qkNorm ? { q: headNorm('q_layernorm'), k: headNorm('k_layernorm') } : null,
    });
    const mlp = makePlainMlp({ path: `${path}.mlp`, hidden, width, bias: true, act }, ['fc1', 'fc2']);
    return parallelBlock(
      { path, window: null, attention, mlp },
      makeLayerNorm(`${path}.input_layernorm`, hidden, eps),
      null,
    );
  };
  return assembleCausalModel({
    facts,
    table: 'model.embed_tokens.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeLayerNorm('model.final_layernorm', hidden, eps),
    headBias: true,
    ropes: { rope },
    defaultTargets: ['q_proj', 'v_proj', 'fc1', 'fc2'],
    names: { prefix: 'model.' },
  });
}
