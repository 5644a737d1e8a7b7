/**
 * @file BERT (model_type "bert"): learned positions, two kinds of sentences, norms after each branch, every token sees every other.
 * Source: Devlin et al. 2018; Hugging Face's modeling_bert.
 */
import { type Block, postNormBlock } from '../nn/block.ts';
import { makePlainMlp } from '../nn/mlp.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { assembleEncoder } from './encoder.ts';
import { readFacts } from './facts.ts';
import type { Encoder, ModelFacts } from './model.ts';
import type { Activation } from '../ops/activation.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeBert(config: RawConfig): Encoder {
  const read = new ConfigReader(config);
  const facts = readFacts(read, { modelType: 'bert', tied: true, maxPositions: 512, padding: 0 });
  const options = readBertOptions(read, facts);
  const tokenTypes = read.int('type_vocab_size', 2);
  read.finish();
  const { eps, act } = options;
  const embeddings = 'bert.embeddings';
  return assembleEncoder({
    facts,
    embeddings: {
      words: `${embeddings}.word_embeddings.weight`,
      positions: `${embeddings}.position_embeddings.weight`,
      positionRows: facts.maxPositions,
      tokenTypes: { name: `${embeddings}.token_type_embeddings.weight`, rows: tokenTypes },
      norm: makeLayerNorm(`${embeddings}.LayerNorm`, facts.hiddenSize, eps),
    },
    blocks: makeBertBlocks('bert', options),
    wordHead: {
      transform: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      eps,
      act,
      decoder: 'cls.predictions.decoder',
      bias: 'cls.predictions.bias',
    },
    classHead: { dense: 'bert.pooler.dense', act: 'tanh', output: 'classifier', modules: ['classifier'] },
    defaultTargets: ['query', 'value'],
    names: { prefix: 'bert.', ignored: /embeddings\.position_ids$/ },
  });
}

export interface BertOptions {
  readonly facts: ModelFacts;
  readonly eps: number;
  readonly act: Activation;
}

/** What BERT and its relatives say of their blocks. */
export function readBertOptions(read: ConfigReader, facts: ModelFacts): BertOptions {
  read.requireOff('is_decoder', 'this is a decoder with the blocks of an encoder');
  read.requireOff('add_cross_attention', 'this is the decoder of a model with an encoder');
  const positions = read.text('position_embedding_type', 'absolute');
  if (positions !== 'absolute') read.fault('position_embedding_type', `"${positions}" is not known`);
  return { facts, eps: read.number('layer_norm_eps', 1e-12), act: read.activation('hidden_act', 'gelu') };
}

/** @param base `bert` or `roberta` */
export function makeBertBlocks(base: string, { facts, eps, act }: BertOptions): Block[] {
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  return Array.from({ length: facts.layers }, (_, layer) => {
    const path = `${base}.encoder.layer.${layer}`;
    const attention = makeSelfAttention({
      ...facts,
      layer,
      path: `${path}.attention`,
      hidden,
      projection: { layout: 'separate', q: 'self.query', k: 'self.key', v: 'self.value' },
      outputName: 'output.dense',
      qkvBias: true,
      outputBias: true,
      rope: null,
    });
    const mlp = makePlainMlp({ path, hidden, width, bias: true, act }, ['intermediate.dense', 'output.dense']);
    const norms = {
      afterAttention: makeLayerNorm(`${path}.attention.output.LayerNorm`, hidden, eps),
      afterMlp: makeLayerNorm(`${path}.output.LayerNorm`, hidden, eps),
    };
    return postNormBlock({ path, window: null, attention, mlp }, norms);
  });
}
