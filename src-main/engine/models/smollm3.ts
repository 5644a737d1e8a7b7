/**
 * @file SmolLM 3 (model_type "smollm3"): Llama in which every fourth layer has no rotary positions.
 * Source: Hugging Face 2025 (modeling_smollm3); Yang et al. 2025 for the layers without positions.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts, readWindows } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeSmolLm3(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, {
    modelType: 'smollm3',
    tied: true,
    kvHeads: 4,
    maxPositions: 32768,
    padding: 128_004,
  });
  const attentionBias = read.bool('attention_bias', false);
  const interval = read.int('no_rope_layer_interval', 4);
  // 1 = the layer has rotary positions, whatever the key's name says.
  const flags = read.perLayer('no_rope_layers', facts.layers);
  const hasRope = (layer: number): boolean => (flags ? Boolean(flags[layer]) : (layer + 1) % interval !== 0);
  const window = read.bool('use_sliding_window', false) ? read.intOrNull('sliding_window', null) : null;
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: attentionBias,
    outputBias: attentionBias,
    mlpBias: read.bool('mlp_bias', false),
    ropes: { rope: readRope(read, facts, { theta: 2000000 }) },
    ropeOf: (layer: number) => (hasRope(layer) ? 'rope' : null),
    windows: readWindows(read, facts.layers, window, (layer) => !hasRope(layer)),
  };
  read.finish();
  return makeDecoder(options);
}
