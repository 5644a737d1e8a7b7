/**
 * @file Llama (model_type "llama"): RMS norm before attention and MLP, rotary positions, grouped key/value heads, SiLU-gated MLP.
 * Source: Touvron et al. 2023; Hugging Face's modeling_llama for names and order.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeLlama(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'llama', padding: null });
  const attentionBias = read.bool('attention_bias', false);
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: read.bool('mlp_bias', false),
    ropes: { rope: readRope(read, facts) },
  };
  read.finish();
  return makeDecoder(options);
}
