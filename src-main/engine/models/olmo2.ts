/**
 * @file OLMo 2 (model_type "olmo2"): Llama with its norms after attention and MLP instead of before them, and RMS norms over all heads of
 * queries and of keys at once.
 * Source: OLMo team 2024; Hugging Face's modeling_olmo2.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder, type NormNames } from './decoder.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

const AFTER_BRANCHES: NormNames = {
  beforeAttention: null,
  afterAttention: 'post_attention_layernorm',
  beforeMlp: null,
  afterMlp: 'post_feedforward_layernorm',
};

/** @param config parsed config.json @throws model/bad-config */
export function makeOlmo2(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'olmo2', padding: 1 });
  const attentionBias = read.bool('attention_bias', false);
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-5),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: false,
    qkNorm: 'all heads',
    normNames: AFTER_BRANCHES,
    ropes: { rope: readRope(read, facts) },
  } as const;
  read.finish();
  return makeDecoder(options);
}
