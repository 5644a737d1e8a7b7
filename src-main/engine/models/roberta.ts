/**
 * @file RoBERTa (model_type "roberta"): BERT's blocks; positions are counted over the tokens that are no padding, from the row after the
 * padding token's id; the classification head reads the first token without a pooler.
 * Source: Liu et al. 2019; Hugging Face's modeling_roberta.
 */
import type { TokenBatch } from '../nn/batch.ts';
import { makeLayerNorm } from '../nn/norm.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { makeBertBlocks, readBertOptions } from './bert.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { assembleEncoder } from './encoder.ts';
import { readFacts } from './facts.ts';
import type { Encoder } from './model.ts';

/** @param config parsed config.json @throws model/bad-config */
export function makeRoberta(config: RawConfig): Encoder {
  const read = new ConfigReader(config);
  const all = readFacts(read, { modelType: 'roberta', tied: true, maxPositions: 512, padding: 1 });
  const padding = read.value('pad_token_id') === 0 ? 0 : read.int('pad_token_id', 1);
  // The rows up to the padding token's are never a position.
  const facts = { ...all, maxPositions: all.maxPositions - padding - 1 };
  if (facts.maxPositions < 1) read.fault('max_position_embeddings', `must be above pad_token_id + 1`);
  const options = readBertOptions(read, facts);
  const tokenTypes = read.int('type_vocab_size', 2);
  read.finish();
  const { eps } = options;
  const embeddings = 'roberta.embeddings';
  return assembleEncoder({
    facts,
    embeddings: {
      words: `${embeddings}.word_embeddings.weight`,
      positions: `${embeddings}.position_embeddings.weight`,
      positionRows: all.maxPositions,
      paddingPosition: padding,
      tokenTypes: { name: `${embeddings}.token_type_embeddings.weight`, rows: tokenTypes },
      norm: makeLayerNorm(`${embeddings}.LayerNorm`, facts.hiddenSize, eps),
      positionsOf: (_, tokens) => countPositions(tokens, padding),
    },
    blocks: makeBertBlocks('roberta', options),
    wordHead: {
      transform: 'lm_head.dense',
      norm: 'lm_head.layer_norm',
      eps,
      act: 'gelu',
      decoder: 'lm_head.decoder',
      bias: 'lm_head.bias',
    },
    classHead: { dense: 'classifier.dense', act: 'tanh', output: 'classifier.out_proj', modules: ['classifier'] },
    defaultTargets: ['query', 'value'],
    names: { prefix: 'roberta.', ignored: /embeddings\.position_ids$/ },
  });
}

/** padding + how many tokens up to each one are no padding token; a padding token's is `padding`. @returns int32 [batch, seq] */
function countPositions({ ids, positions, batch, seq }: TokenBatch, padding: number): Tensor {
  return ids.runner.scope(
    () => {
      const isWord = raw.cast(raw.compare('NotEqual', ids, padding), 'float32'); // [batch, seq]
      const places = raw.cast(positions, 'float32');
      const isBefore = raw.compare(
        'LessEqual',
        raw.reshape(places, [batch, 1, seq]),
        raw.reshape(places, [batch, seq, 1]),
      );
      const counted = raw.multiply(raw.cast(isBefore, 'float32'), raw.reshape(isWord, [batch, 1, seq])); // [batch, seq, seq]
      const count = raw.multiply(raw.sum(counted, [2]), isWord);
      return raw.cast(raw.add(count, padding), 'int32');
    },
    (result) => [result.id],
  );
}
