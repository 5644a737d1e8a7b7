/**
 * @file Mistral (model_type "mistral"): Llama without biases, attention within a sliding window on every layer where one is set.
 * Source: Jiang et al. 2023; Hugging Face's modeling_mistral.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeMistral(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'mistral', kvHeads: 8, maxPositions: 131072, padding: null });
  const window = read.intOrNull('sliding_window', 4096);
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    ropes: { rope: readRope(read, facts) },
    windows: Array.from({ length: facts.layers }, () => window),
  };
  read.finish();
  return makeDecoder(options);
}
