/**
 * @file Qwen 3 (model_type "qwen3"): Llama with RMS norms on each head of queries and keys, and a head size of its own.
 * Source: Yang et al. 2025; Hugging Face's modeling_qwen3.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readQwenWindows } from './qwen2.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeQwen3(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'qwen3', headDim: 128, maxPositions: 32768, padding: null });
  const attentionBias = read.bool('attention_bias', false);
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: false,
    qkNorm: 'head',
    ropes: { rope: readRope(read, facts) },
    windows: readQwenWindows(read, facts),
  } as const;
  read.finish();
  return makeDecoder(options);
}
