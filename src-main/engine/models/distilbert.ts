/**
 * @file DistilBERT (model_type "distilbert"): BERT's blocks under other names, no kinds of sentences; its head has a linear with ReLU where
 * BERT has a pooler.
 * Source: Sanh et al. 2019; Hugging Face's modeling_distilbert.
 */
import { type Block, postNormBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { assembleEncoder } from './encoder.ts';
import { readFacts } from './facts.ts';
import type { Encoder } from './model.ts';

const KEYS = {
  hidden_size: ['dim'],
  num_attention_heads: ['n_heads'],
  num_hidden_layers: ['n_layers'],
  intermediate_size: ['hidden_dim'],
};
const EPS = 1e-12;

/** @param config parsed config.json @throws model/bad-config */
export function makeDistilBert(config: RawConfig): Encoder {
  const read = new ConfigReader(config, KEYS);
  const facts = readFacts(read, {
    modelType: 'distilbert',
    tied: true,
    maxPositions: 512,
    padding: 0,
    intermediate: (hidden) => 4 * hidden,
  });
  const act = read.activation('activation', 'gelu');
  read.finish();
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  const block = (layer: number): Block => {
    const path = `distilbert.transformer.layer.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.attention`,
      hidden,
      projection: { layout: 'separate', q: 'q_lin', k: 'k_lin', v: 'v_lin' },
      outputName: 'out_lin',
      qkvBias: true,
      outputBias: true,
      rope: null,
    });
    const mlp = makePlainMlp({ path: `${path}.ffn`, hidden, width, bias: true, act }, ['lin1', 'lin2']);
    const norms = {
      afterAttention: makeLayerNorm(`${path}.sa_layer_norm`, hidden, EPS),
      afterMlp: makeLayerNorm(`${path}.output_layer_norm`, hidden, EPS),
    };
    return postNormBlock({ path, window: null, attention, mlp }, norms);
  };
  const embeddings = 'distilbert.embeddings';
  return assembleEncoder({
    facts,
    embeddings: {
      words: `${embeddings}.word_embeddings.weight`,
      positions: `${embeddings}.position_embeddings.weight`,
      positionRows: facts.maxPositions,
      tokenTypes: null,
      norm: makeLayerNorm(`${embeddings}.LayerNorm`, hidden, EPS),
    },
    blocks: Array.from({ length: facts.layers }, (_, layer) => block(layer)),
    wordHead: {
      transform: 'vocab_transform',
      norm: 'vocab_layer_norm',
      eps: EPS,
      act,
      decoder: 'vocab_projector',
      bias: 'vocab_projector.bias',
    },
    classHead: {
      dense: 'pre_classifier',
      act: 'relu',
      output: 'classifier',
      modules: ['classifier', 'pre_classifier'],
    },
    defaultTargets: [],
    names: { prefix: 'distilbert.', ignored: /embeddings\.position_ids$/ },
  });
}
