/**
 * @file Gemma 3, its text models (model_type "gemma3_text"): Gemma 2 without soft caps but with norms on each head of queries and keys;
 * most layers have a sliding window and rotary positions of their own.
 * Source: Gemma team 2025; Hugging Face's modeling_gemma3.
 */
import type { RopeConfig } from '../nn/rope.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { makeDecoder } from './decoder.ts';
import { readFacts, readWindows } from './facts.ts';
import { readGemma } from './gemma2.ts';
import type { CausalModel, ModelFacts } from './model.ts';
import { checkRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeGemma3Text(config: RawConfig): CausalModel {
  const read = new ConfigReader(config);
  const facts = readFacts(read, {
    modelType: 'gemma3_text',
    tied: true,
    kvHeads: 4,
    headDim: 256,
    maxPositions: 131072,
    padding: 0,
  });
  const pattern = read.int('sliding_window_pattern', 6);
  const window = read.int('sliding_window', 4096);
  const windows = readWindows(read, facts.layers, window, (layer) => (layer + 1) % pattern !== 0);
  const options = {
    ...readGemma(read, facts, { scoreSoftcap: null, headSoftcap: null }),
    qkNorm: 'head',
    ropes: readRopes(read, facts),
    ropeOf: (layer: number) => (windows[layer] === null ? 'rope' : 'local_rope'),
    windows,
  } as const;
  read.finish();
  return makeDecoder(options);
}

/** `rope` of the layers with full attention, `local_rope` of those with a window. Only the former is ever scaled in version 4's files. */
function readRopes(read: ConfigReader, facts: ModelFacts): { rope: RopeConfig; local_rope: RopeConfig } {
  const parameters = read.object('rope_parameters');
  const of = (kind: string): RawConfig | null => {
    const value = parameters?.[kind];
    return typeof value === 'object' && value !== null ? (value as RawConfig) : null;
  };
  const [full, sliding] = [of('full_attention'), of('sliding_attention')];
  const theta = (scheme: RawConfig | null, key: string, fallback: number): number => {
    const value = scheme?.['rope_theta'];
    return typeof value === 'number' ? value : read.number(key, fallback);
  };
  return {
    rope: checkRope(read, facts, {
      theta: theta(full, 'rope_theta', 1000000),
      scaling: read.object('rope_scaling') ?? full,
    }),
    local_rope: checkRope(read, facts, {
      theta: theta(sliding, 'rope_local_base_freq', 10000),
      scaling: sliding,
    }),
  };
}
