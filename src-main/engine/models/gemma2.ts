/**
 * @file Gemma 2 (model_type "gemma2"): norms before and after each branch, soft-capped scores and logits, sliding windows on every other
 * layer, scaled embeddings.
 * Source: Gemma team 2024; Hugging Face's modeling_gemma2.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { type DecoderOptions, makeDecoder, type NormNames } from './decoder.ts';
import { readFacts, readWindows } from './facts.ts';
import type { CausalModel, ModelFacts } from './model.ts';
import { readRope } from './rope-config.ts';

const AROUND_BRANCHES: NormNames = {
  beforeAttention: 'input_layernorm',
  afterAttention: 'post_attention_layernorm',
  beforeMlp: 'pre_feedforward_layernorm',
  afterMlp: 'post_feedforward_layernorm',
};

/** @param config parsed config.json @throws model/bad-config */
export function makeGemma2(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, {
    modelType: 'gemma2',
    tied: true,
    kvHeads: 4,
    headDim: 256,
    maxPositions: 8192,
    padding: 0,
  });
  const options = {
    ...readGemma(read, facts, { scoreSoftcap: 50, headSoftcap: 30 }),
    ropes: { rope: readRope(read, facts) },
    windows: readWindows(read, facts.layers, read.intOrNull('sliding_window', 4096), (layer) => layer % 2 === 0),
  };
  read.finish();
  return makeDecoder(options);
}

/** What Gemma 2 and 3 share. @param caps their defaults, null = not capped */
export function readGemma(
  read: ConfigReader,
  facts: ModelFacts,
  caps: { scoreSoftcap: number | null; headSoftcap: number | null },
): Omit<DecoderOptions, 'ropes' | 'windows'> {
  const attentionBias = read.bool('attention_bias', false);
  read.requireOff('use_bidirectional_attention', 'such a model reads text in both directions and writes none');
  return {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    // hidden_act is an older name of the same, which transformers ignores.
    act: read.activation('hidden_activation', 'gelu_new'),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: false,
    normNames: AROUND_BRANCHES,
    addOne: true,
    embeddingScale: Math.sqrt(facts.hiddenSize),
    scoreScale: read.number('query_pre_attn_scalar', 256) ** -0.5,
    scoreSoftcap: read.numberOrNull('attn_logit_softcapping', caps.scoreSoftcap),
    headSoftcap: read.numberOrNull('final_logit_softcapping', caps.headSoftcap),
  };
}
