/**
 * @file T5 and Flan-T5 (model_type "t5"): an encoder-decoder with RMS norms, relative positions in the scores, which are not scaled. The first
 * version has a plain ReLU MLP and its table for a head, whose inputs are then scaled; version 1.1 has a gated MLP and its own head.
 * Source: Raffel et al. 2020; Hugging Face's modeling_t5. Its own dropouts are not applied while an adapter is trained.
 */
import { type Block, sequentialBlock } from '../nn/block.ts';
import { makeCrossAttention } from '../nn/cross-attention.ts';
import { type DecoderBlock, makeDecoderBlock } from '../nn/decoder-block.ts';
import { makeGatedMlp, makePlainMlp, type Mlp } from '../nn/mlp.ts';
import { makeRmsNorm } from '../nn/norm.ts';
import type { RelativeBias } from '../nn/relative-bias.ts';
import { makeSelfAttention, type SelfAttention } from '../nn/self-attention.ts';
import { type Activation, findActivation } from '../ops/activation.ts';
import { ConfigReader, type RawConfig } from './config-reader.ts';
import { assembleEncoderDecoder, type Stack } from './encoder-decoder-model.ts';
import { readFacts } from './facts.ts';
import type { EncoderDecoderModel, ModelFacts, TensorNames } from './model.ts';

const KEYS = {
  hidden_size: ['d_model'],
  num_attention_heads: ['num_heads'],
  num_hidden_layers: ['num_layers'],
  head_dim: ['d_kv'],
  intermediate_size: ['d_ff'],
};
/** Relative positions have no end. */
const MANY_POSITIONS = 2 ** 20;

interface T5Options {
  readonly facts: ModelFacts & { readonly decoderLayers: number };
  readonly eps: number;
  readonly act: Activation;
  readonly gated: boolean;
  readonly buckets: number;
  readonly maxDistance: number;
}

/** @param config parsed config.json @param tensors what the files hold @throws model/bad-config */
export function makeT5(config: RawConfig, tensors: TensorNames): EncoderDecoderModel {
  const read = new ConfigReader(config, KEYS);
  const sizes = readFacts(read, { modelType: 't5', tied: true, headDim: 64, maxPositions: MANY_POSITIONS });
  const decoderLayers = read.intOrNull('num_decoder_layers', null) ?? sizes.layers;
  // transformers 5 writes "tied" for every T5, and beside it what that meant once.
  const isFirstVersion = read.bool('scale_decoder_outputs', sizes.tiedEmbeddings);
  const facts = {
    ...sizes,
    layers: sizes.layers + decoderLayers,
    decoderLayers,
    tiedEmbeddings: isFirstVersion || !tensors.has('lm_head.weight'),
  };
  const options: T5Options = {
    facts,
    eps: read.number('layer_norm_epsilon', 1e-6),
    ...readMlp(read),
    buckets: read.int('relative_attention_num_buckets', 32),
    maxDistance: read.int('relative_attention_max_distance', 128),
  };
  requireBuckets(read, options);
  const decoderStartTokenId = readStartToken(read, facts.vocabSize);
  if (!read.bool('is_encoder_decoder', true)) read.fault('is_encoder_decoder', 'is false: this is an encoder alone');
  read.finish();
  return assembleEncoderDecoder({
    facts,
    table: 'shared.weight',
    encoder: makeStack(options, 'encoder', sizes.layers, makeEncoderBlock),
    decoder: makeStack(options, 'decoder', decoderLayers, makeT5DecoderBlock),
    headScale: isFirstVersion ? facts.hiddenSize ** -0.5 : 1,
    decoderStartTokenId,
    isKeptWhole: (path) => path.endsWith('.DenseReluDense.wo'),
    defaultTargets: ['q', 'v'],
    names: {
      prefix: '',
      ignored: /\.EncDecAttention\.relative_attention_bias\.weight$/,
      renamed: { 'encoder.embed_tokens.weight': 'shared.weight', 'decoder.embed_tokens.weight': 'shared.weight' },
    },
  });
}

/** `relu`, or `gated-` and an activation; "gated-gelu" has always meant the tanh approximation. */
function readMlp(read: ConfigReader): Pick<T5Options, 'act' | 'gated'> {
  const text = read.text('feed_forward_proj', 'relu');
  const [first = '', second, ...rest] = text.split('-');
  const gated = first === 'gated' && second !== undefined;
  const name = gated ? second : first;
  const act = text === 'gated-gelu' ? 'gelu_new' : findActivation(name);
  if (act !== null && rest.length === 0 && (gated || second === undefined)) return { act, gated };
  read.fault('feed_forward_proj', `"${text}" is not known; known are relu, gated-gelu, gated-silu and their like`);
  return { act: 'relu', gated: false };
}

/** Both directions need a bucket for the same place and one beyond. */
function requireBuckets(read: ConfigReader, { buckets, maxDistance }: T5Options): void {
  if (buckets < 4 || buckets % 2 !== 0) {
    read.fault('relative_attention_num_buckets', `must be even and at least 4, got ${buckets}`);
  } else if (maxDistance <= buckets / 2) {
    read.fault('relative_attention_max_distance', `must be above half of the ${buckets} buckets, got ${maxDistance}`);
  }
}

/** T5 begins its answers with the padding token; files of some versions leave that unsaid. */
function readStartToken(read: ConfigReader, vocabSize: number): number {
  const key = read.value('decoder_start_token_id') === undefined ? 'pad_token_id' : 'decoder_start_token_id';
  const id = read.value(key) ?? 0;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
  read.fault(key, `must be a token id below ${vocabSize}, got ${JSON.stringify(id)}`);
  return 0;
}

function makeStack<AnyBlock>(
  options: T5Options,
  name: 'encoder' | 'decoder',
  layers: number,
  makeBlock: (options: T5Options, layer: number) => AnyBlock,
): Stack<AnyBlock> {
  const { facts, eps, buckets, maxDistance } = options;
  const positions: RelativeBias = {
    weight: `${name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
    table: `${name}_buckets`,
    buckets,
    maxDistance,
    heads: facts.heads,
    bothWays: name === 'encoder',
  };
  return {
    blocks: Array.from({ length: layers }, (_, layer) => makeBlock(options, layer)),
    positions,
    finalNorm: makeRmsNorm(`${name}.final_layer_norm`, facts.hiddenSize, eps),
  };
}

function makeEncoderBlock(options: T5Options, layer: number): Block {
  const { facts, eps } = options;
  const path = `encoder.block.${layer}`;
  const norm = (index: number) => makeRmsNorm(`${path}.layer.${index}.layer_norm`, facts.hiddenSize, eps);
  return sequentialBlock(
    { path, window: null, attention: makeOwnAttention(facts, path, layer), mlp: makeMlp(options, `${path}.layer.1`) },
    { beforeAttention: norm(0), afterAttention: null, beforeMlp: norm(1), afterMlp: null },
  );
}

function makeT5DecoderBlock(options: T5Options, layer: number): DecoderBlock {
  const { facts, eps } = options;
  const path = `decoder.block.${layer}`;
  const norm = (index: number) => makeRmsNorm(`${path}.layer.${index}.layer_norm`, facts.hiddenSize, eps);
  return makeDecoderBlock({
    path,
    attention: makeOwnAttention(facts, path, layer),
    crossAttention: makeCrossAttention({
      ...facts,
      layer,
      path: `${path}.layer.1.EncDecAttention`,
      hidden: facts.hiddenSize,
      names: ['q', 'k', 'v', 'o'],
      bias: false,
      scale: 1,
    }),
    mlp: makeMlp(options, `${path}.layer.2`),
    beforeAttention: norm(0),
    beforeCrossAttention: norm(1),
    beforeMlp: norm(2),
  });
}

function makeOwnAttention(facts: ModelFacts, path: string, layer: number): SelfAttention {
  return makeSelfAttention({
    ...facts,
    layer,
    path: `${path}.layer.0.SelfAttention`,
    hidden: facts.hiddenSize,
    projection: { layout: 'separate', q: 'q', k: 'k', v: 'v' },
    outputName: 'o',
    qkvBias: false,
    outputBias: false,
    scale: 1,
    rope: null,
  });
}

function makeMlp({ facts, act, gated }: T5Options, layerPath: string): Mlp {
  const { hiddenSize: hidden, intermediateSize: width } = facts;
  const common = { path: `${layerPath}.DenseReluDense`, hidden, width, bias: false, act };
  return gated ? makeGatedMlp(common, ['wi_0', 'wi_1', 'wo']) : makePlainMlp(common, ['wi', 'wo']);
}
