/**
 * @file Qwen 2 and 2.5 (model_type "qwen2"): Llama with biases on queries, keys and values; the upper layers may have a sliding window.
 * Source: Yang et al. 2024; Hugging Face's modeling_qwen2.
 */
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts, readWindows } from './facts.ts';
import type { CausalModel, ModelFacts } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeQwen2(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'qwen2', maxPositions: 32768, padding: null });
  const options = {
    facts,
    eps: read.number('rms_norm_eps', 1e-6),
    act: read.activation('hidden_act', 'silu'),
    qkvBias: true,
    outputBias: false,
    mlpBias: false,
    ropes: { rope: readRope(read, facts) },
    windows: readQwenWindows(read, facts),
  };
  read.finish();
  return makeDecoder(options);
}

/** `use_sliding_window` switches windows on, for layers from `max_window_layers` up. */
export function readQwenWindows(read: ConfigReader, { layers }: ModelFacts): (number | null)[] {
  const window = read.bool('use_sliding_window', false) ? read.intOrNull('sliding_window', 4096) : null;
  const first = read.number('max_window_layers', 28);
  return readWindows(read, layers, window, (layer) => layer >= first);
}
