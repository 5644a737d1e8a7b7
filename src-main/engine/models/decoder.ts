/**
 * @file The plain pre-norm decoder that Llama and its close relatives share. A family whose block differs has its own file.
 */
import { causalMask, type TokenBatch } from '../nn/batch.ts';
import { applyEmbedding, applyHead, headLeaves, type LanguageHead } from '../nn/embedding.ts';
import { applyGatedMlp, gatedMlpLinears, gatedMlpWeights, makeGatedMlp } from '../nn/gated-mlp.ts';
import { linearWeights, makeLinear, vectorOf } from '../nn/linear.ts';
import { buildRopeTables, type RopeConfig, ropeDependsOnLength } from '../nn/rope.ts';
import {
  applySelfAttention,
  makeSelfAttention,
  selfAttentionLinears,
  selfAttentionWeights,
} from '../nn/self-attention.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import type { Activation } from '../ops/activation.ts';
import * as basics from '../ops/basics.ts';
import { checkpoint } from '../ops/checkpoint.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { CausalModel, HostTable } from './model.ts';

export interface DecoderOptions {
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly maxPositions: number;
  readonly eps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: Readonly<Record<string, unknown>> | null;
  readonly tied: boolean;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  readonly act: Activation;
  /** Sliding window of each layer, null = full attention. */
  readonly windows?: readonly (number | null)[];
  /** RMS norms over the heads of q and k. */
  readonly headNorm?: boolean;
  /** Layers without rotary positions (SmolLM 3). */
  readonly layersWithoutRope?: readonly number[];
}

const TABLE = 'model.embed_tokens.weight';
const FINAL_NORM = 'model.norm.weight';

/** Builds the model from checked options. */
export function makeDecoder(options: DecoderOptions): CausalModel {
  const { hidden, vocabSize, eps } = options;
  const blocks = Array.from({ length: options.layers }, (_, layer) => makeBlock(options, layer));
  const headLinear = options.tied ? null : makeLinear('lm_head', hidden, vocabSize, false);
  const head: LanguageHead = { linear: headLinear, tiedTable: TABLE };
  const rope = ropeConfig(options);
  return {
    kind: 'causal',
    facts: factsOf(options),
    weights: [
      { name: TABLE, shape: [vocabSize, hidden], role: 'embedding' },
      ...blocks.flatMap((block) => block.weights),
      { name: FINAL_NORM, shape: [hidden], role: 'vector' },
      ...(headLinear ? linearWeights([headLinear]) : []),
    ],
    linears: [...blocks.flatMap((block) => block.linears), ...(headLinear ? [headLinear] : [])],
    outputLinears: headLinear ? [headLinear] : [],
    defaultTargets: ['q_proj', 'v_proj'],
    sanitizeName: (name) => sanitize(name, options.tied),
    tablesDependOnLength: ropeDependsOnLength(rope),
    hostTables: (positions, seq) => ropeTables('rope', rope, positions, seq),
    forward(ctx, tokens) {
      const masks = makeMasks(ctx, tokens);
      let x = basics.reshape(applyEmbedding(ctx, TABLE, tokens.ids), [-1, hidden]);
      for (const block of blocks) {
        const run = (input: Tensor): Tensor => block.apply(ctx, input, tokens, masks(block.window));
        x = ctx.checkpointing ? checkpoint(run, [x], ctx.leavesUnder(`${block.path}.`)) : run(x);
      }
      return rmsNorm(x, vectorOf(ctx, FINAL_NORM), { eps, dtype: ctx.compute });
    },
    head: (ctx, states) => applyHead(ctx, states, head),
    headLeaves: (ctx) => headLeaves(ctx, head),
  };
}

function makeBlock(options: DecoderOptions, layer: number) {
  const { hidden, heads, kvHeads, headDim, eps } = options;
  const path = `model.layers.${layer}`;
  const rope = options.layersWithoutRope?.includes(layer) ? null : 'rope';
  const attention = makeSelfAttention({
    layer,
    path: `${path}.self_attn`,
    hidden,
    heads,
    kvHeads,
    headDim,
    rope,
    qkvBias: options.qkvBias,
    outputBias: options.outputBias,
    headNorm: options.headNorm ? { eps, addOne: false } : null,
  });
  const mlp = makeGatedMlp(`${path}.mlp`, hidden, options.intermediate, options.mlpBias, options.act);
  const norms = [`${path}.input_layernorm.weight`, `${path}.post_attention_layernorm.weight`] as const;
  const weights: WeightSpec[] = [
    ...selfAttentionWeights(attention),
    ...gatedMlpWeights(mlp),
    ...norms.map((name) => ({ name, shape: [hidden], role: 'vector' as const })),
  ];
  return {
    path,
    window: options.windows?.[layer] ?? null,
    weights,
    linears: [...selfAttentionLinears(attention), ...gatedMlpLinears(mlp)],
    apply(ctx: StepContext, x: Tensor, tokens: TokenBatch, mask: Tensor): Tensor {
      const norm = (input: Tensor, name: string): Tensor =>
        rmsNorm(input, vectorOf(ctx, name), { eps, dtype: ctx.compute });
      const attended = basics.addToStream(x, applySelfAttention(ctx, norm(x, norms[0]), attention, tokens, mask));
      return basics.addToStream(attended, applyGatedMlp(ctx, norm(attended, norms[1]), mlp));
    },
  };
}

/** One mask per window size, made when first needed. */
function makeMasks(ctx: StepContext, tokens: TokenBatch): (window: number | null) => Tensor {
  const masks = new Map<number | null, Tensor>();
  return (window) => {
    const mask = masks.get(window) ?? causalMask(ctx, tokens, window);
    masks.set(window, mask);
    return mask;
  };
}

/** Checkpoints may carry the tied head and old rotary buffers; both are derived. */
function sanitize(name: string, tied: boolean): string | null {
  if (name.endsWith('.rotary_emb.inv_freq')) return null;
  if (tied && name === 'lm_head.weight') return null;
  return name;
}

function ropeConfig({ ropeTheta, headDim, maxPositions, ropeScaling }: DecoderOptions): RopeConfig {
  return { theta: ropeTheta, headDim, rotaryDim: headDim, maxPositionEmbeddings: maxPositions, scaling: ropeScaling };
}

/** Tables `<name>_cos` and `<name>_sin`. */
export function ropeTables(
  name: string,
  config: RopeConfig,
  positions: number,
  seq: number,
): Record<string, HostTable> {
  const { cos, signedSin, width } = buildRopeTables(config, positions, seq);
  const shape = [positions, width] as const;
  return { [`${name}_cos`]: { values: cos, shape }, [`${name}_sin`]: { values: signedSin, shape } };
}

function factsOf(options: DecoderOptions): CausalModel['facts'] {
  const { modelType, vocabSize, hidden, layers, heads, kvHeads, headDim, intermediate, maxPositions, tied } = options;
  return {
    modelType,
    vocabSize,
    layers,
    heads,
    kvHeads,
    headDim,
    maxPositions,
    hiddenSize: hidden,
    intermediateSize: intermediate,
    tiedEmbeddings: tied,
  };
}
