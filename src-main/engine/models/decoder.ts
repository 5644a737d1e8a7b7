/**
 * @file The decoder that Llama and its close relatives share: RMS norms, separate projections, a gated MLP. A family whose block
 * differs more has its blocks in its own file.
 */
import { type Block, type BranchNorms, sequentialBlock } from '../nn/block.ts';
import { makeGatedMlp } from '../nn/mlp.ts';
import { makeRmsNorm, type Norm } from '../nn/norm.ts';
import type { RopeConfig } from '../nn/rope.ts';
import { makeSelfAttention } from '../nn/self-attention.ts';
import type { Activation } from '../ops/activation.ts';
import { assembleCausalModel } from './causal-model.ts';
import type { CausalModel, ModelFacts } from './model.ts';

export interface DecoderOptions {
  readonly facts: ModelFacts;
  readonly eps: number;
  readonly act: Activation;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** Rotary schemes by name. */
  readonly ropes: Readonly<Record<string, RopeConfig>>;
  /** Name of each layer's rotary scheme, null = none there; `rope` for all where left out. */
  readonly ropeOf?: (layer: number) => string | null;
  /** Sliding window of each layer, null = full attention; full where left out. */
  readonly windows?: readonly (number | null)[];
  /** RMS norms on q and k over each head, or over all heads at once. */
  readonly qkNorm?: 'head' | 'all heads';
  /** Norms before each branch (input_layernorm, post_attention_layernorm) where left out. */
  readonly normNames?: NormNames;
  /** Norms multiply by 1 + weight. */
  readonly addOne?: boolean;
  readonly embeddingScale?: number;
  /** Factor on the scores; headDim ** -0.5 where left out. */
  readonly scoreScale?: number;
  readonly scoreSoftcap?: number | null;
  readonly headSoftcap?: number | null;
}

/** Names of a block's norms by place. */
export type NormNames = { readonly [place in keyof BranchNorms]: string | null };

const BEFORE_BRANCHES: NormNames = {
  beforeAttention: 'input_layernorm',
  afterAttention: null,
  beforeMlp: 'post_attention_layernorm',
  afterMlp: null,
};

/** Builds the model from checked options. */
export function makeDecoder(options: DecoderOptions): CausalModel {
  const { facts, eps, addOne = false } = options;
  return assembleCausalModel({
    facts,
    table: 'model.embed_tokens.weight',
    embeddingScale: options.embeddingScale ?? 1,
    blocks: Array.from({ length: facts.layers }, (_, layer) => makeBlock(options, layer)),
    finalNorm: makeRmsNorm('model.norm', facts.hiddenSize, eps, addOne),
    headSoftcap: options.headSoftcap ?? null,
    ropes: options.ropes,
    defaultTargets: ['q_proj', 'v_proj'],
    names: { prefix: 'model.' },
  });
}

function makeBlock(options: DecoderOptions, layer: number): Block {
  const { facts, eps, addOne = false, ropeOf = () => 'rope', normNames = BEFORE_BRANCHES } = options;
  const { hiddenSize, heads, kvHeads, headDim } = facts;
  const path = `model.layers.${layer}`;
  const tables = ropeOf(layer);
  const norm = (name: string | null): Norm | null =>
    name === null ? null : makeRmsNorm(`${path}.${name}`, hiddenSize, eps, addOne);
  const qkNorm = (name: string, count: number): Norm => {
    const size = options.qkNorm === 'head' ? headDim : count * headDim;
    return makeRmsNorm(`${path}.self_attn.${name}`, size, eps, addOne);
  };
  const attention = makeSelfAttention({
    layer,
    path: `${path}.self_attn`,
    hidden: hiddenSize,
    heads,
    kvHeads,
    headDim,
    qkvBias: options.qkvBias,
    outputBias: options.outputBias,
    scale: options.scoreScale ?? headDim ** -0.5,
    softcap: options.scoreSoftcap ?? null,
    rope: tables === null ? null : { tables, width: options.ropes[tables]!.rotaryDim },
    norms: options.qkNorm ? { q: qkNorm('q_norm', heads), k: qkNorm('k_norm', kvHeads) } : null,
  });
  const mlp = makeGatedMlp({
    path: `${path}.mlp`,
    hidden: hiddenSize,
    width: facts.intermediateSize,
    bias: options.mlpBias,
    act: options.act,
  });
  const norms: BranchNorms = {
    beforeAttention: norm(normNames.beforeAttention),
    afterAttention: norm(normNames.afterAttention),
    beforeMlp: norm(normNames.beforeMlp),
    afterMlp: norm(normNames.afterMlp),
  };
  return sequentialBlock({ path, window: options.windows?.[layer] ?? null, attention, mlp }, norms);
}
