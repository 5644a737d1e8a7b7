/**
 * @file Phi 3, 3.5 and 4 (model_type "phi3"): Llama with queries, keys and values in one linear and gate and up in another, both kept
 * whole, as PEFT sees them; long contexts by two sets of rotary factors.
 * Source: Abdin et al. 2024; Ding et al. 2024 for the factors; Hugging Face's modeling_phi3.
 */
import { type Block, sequentialBlock } from '../nn/block.ts';
import { makeFusedGatedMlp } from '../nn/mlp.ts';
import { makeRmsNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { assembleCausalModel } from './causal-model.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { readFacts } from './facts.ts';
import type { CausalModel } from './model.ts';
import { readRope } from './rope-config.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makePhi3(config: RawConfig): CausalModel {
  const read = new ConfigReader(withKindOfToday(config));
  const facts = readFacts(read, { modelType: 'phi3', maxPositions: 4096, padding: 32_000 });
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  const eps = read.number('rms_norm_eps', 1e-5);
  const act = read.activation('hidden_act', 'silu');
  const window = read.intOrNull('sliding_window', null);
  const rope = readRope(read, facts, { originalLength: 4096 });
  read.finish();
  const block = (layer: number): Block => {
    const path = `model.layers.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.self_attn`,
      hidden,
      projection: { layout: 'stacked', qkv: 'qkv_proj' },
      qkvBias: false,
      outputBias: false,
      rope: { tables: 'rope', width: rope.rotaryDim },
    });
    const mlp = makeFusedGatedMlp({ path: `${path}.mlp`, hidden, width, bias: false, act });
    return sequentialBlock(
      { path, window, attention, mlp },
      {
        beforeAttention: makeRmsNorm(`${path}.input_layernorm`, hidden, eps),
        afterAttention: null,
        beforeMlp: makeRmsNorm(`${path}.post_attention_layernorm`, hidden, eps),
        afterMlp: null,
      },
    );
  };
  return assembleCausalModel({
    facts,
    table: 'model.embed_tokens.weight',
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    finalNorm: makeRmsNorm('model.norm', hidden, eps),
    ropes: { rope },
    // PEFT has no entry for phi3; this is its choice for Llama, in the linear that holds them.
    defaultTargets: ['qkv_proj'],
    names: { prefix: 'model.' },
  });
}

/** The first Phi 3 files call longrope "su" or "yarn". */
function withKindOfToday(config: RawConfig): RawConfig {
  const scaling = config['rope_scaling'] as RawConfig | null | undefined;
  const kind = scaling?.['rope_type'] ?? scaling?.['type'];
  if (kind !== 'su' && kind !== 'yarn') return config;
  return { ...config, rope_scaling: { ...scaling, rope_type: 'longrope' } };
}
