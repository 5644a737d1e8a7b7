/**
 * @file Llama (model_type "llama"): RMS norm before attention and MLP, rotary positions, grouped key/value heads, SiLU-gated MLP.
 * Source: Touvron et al. 2023; Hugging Face's modeling_llama for names and order.
 */
import { findActivation } from '../ops/activation.ts';
import { ConfigReader } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import type { CausalModel } from './model.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeLlama(config: Readonly<Record<string, unknown>>): CausalModel {
  const read = new ConfigReader(config);
  const hidden = read.int('hidden_size');
  const heads = read.int('num_attention_heads');
  const kvHeads = read.int('num_key_value_heads', heads);
  const headDim = read.int('head_dim', Math.max(1, Math.floor(hidden / heads)));
  const parameters = read.object('rope_parameters');
  const rope = read.object('rope_scaling') ?? parameters;
  const act = findActivation(read.text('hidden_act', 'silu'));
  if (!act) read.fault('hidden_act', `"${String(config['hidden_act'])}" is not known`);
  if (heads % kvHeads !== 0) read.fault('num_key_value_heads', `${kvHeads} does not divide ${heads} heads`);
  if (headDim % 2 !== 0) read.fault('head_dim', `${headDim} must be even`);
  const attentionBias = read.bool('attention_bias', false);
  const options = {
    modelType: 'llama',
    vocabSize: read.int('vocab_size'),
    hidden,
    layers: read.int('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    intermediate: read.int('intermediate_size'),
    maxPositions: read.int('max_position_embeddings', 2048),
    eps: read.number('rms_norm_eps', 1e-6),
    ropeTheta:
      typeof parameters?.['rope_theta'] === 'number' ? parameters['rope_theta'] : read.number('rope_theta', 10000),
    ropeScaling: rope,
    tied: read.bool('tie_word_embeddings', false),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: read.bool('mlp_bias', false),
    act: act ?? 'silu',
  } as const;
  read.finish();
  return makeDecoder(options);
}
