/**
 * @file What all decoder-only families share: embeddings, a row of blocks, a last norm, a head that may be the embedding's table.
 */
import { causalMask, type TokenBatch } from '../nn/batch.ts';
import type { Block } from '../nn/block.ts';
import { applyEmbedding, applyHead, headLeaves, type LanguageHead, scaleEmbedding } from '../nn/embedding.ts';
import { linearWeights, makeLinear } from '../nn/linear.ts';
import { applyNorm, type Norm, normWeights } from '../nn/norm.ts';
import { buildRopeTables, type RopeConfig, ropeDependsOnLength, ropeSwitch } from '../nn/rope.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import * as basics from '../ops/basics.ts';
import { checkpoint } from '../ops/checkpoint.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { CausalModel, HostTable, ModelFacts } from './model.ts';
import { type NameRules, makeSanitizer } from './tensor-names.ts';

export interface CausalParts {
  readonly facts: ModelFacts;
  /** Name of the token table. */
  readonly table: string;
  /** Name of a table of learned positions; null = the blocks know positions. */
  readonly positionTable?: string | null;
  /** Factor on the token embeddings (Gemma). */
  readonly embeddingScale?: number;
  readonly blocks: readonly Block[];
  readonly finalNorm: Norm;
  readonly headBias?: boolean;
  /** Gemma 2: keeps logits between -cap and cap. */
  readonly headSoftcap?: number | null;
  /** Rotary tables by name. */
  readonly ropes?: Readonly<Record<string, RopeConfig>>;
  /** Mask of a block; causal within its window where left out. */
  readonly makeMask?: (ctx: StepContext, tokens: TokenBatch, window: number | null) => Tensor;
  readonly defaultTargets: readonly string[];
  readonly names: Pick<NameRules, 'prefix' | 'ignored' | 'renamed'>;
}

const HEAD = 'lm_head';

export function assembleCausalModel(parts: CausalParts): CausalModel {
  const { facts, table, positionTable = null, blocks, finalNorm, ropes = {} } = parts;
  const { hiddenSize, vocabSize, tiedEmbeddings } = facts;
  const headLinear = tiedEmbeddings ? null : makeLinear(HEAD, hiddenSize, vocabSize, parts.headBias === true);
  const head: LanguageHead = { linear: headLinear, tiedTable: table, softcap: parts.headSoftcap ?? null };
  const weights: WeightSpec[] = [
    { name: table, shape: [vocabSize, hiddenSize], role: 'embedding', paddingRow: facts.paddingRow },
    ...(positionTable === null
      ? []
      : [{ name: positionTable, shape: [facts.maxPositions, hiddenSize], role: 'embedding' as const }]),
    ...blocks.flatMap((block) => block.weights),
    ...normWeights([finalNorm]),
    ...(headLinear ? linearWeights([headLinear]) : []),
  ];
  const rules: NameRules = { ...parts.names, weights, tiedHead: tiedEmbeddings ? `${HEAD}.weight` : null };
  return {
    kind: 'causal',
    facts,
    weights,
    linears: [...blocks.flatMap((block) => block.linears), ...(headLinear ? [headLinear] : [])],
    outputLinears: headLinear ? [headLinear] : [],
    defaultTargets: parts.defaultTargets,
    sanitizeName: makeSanitizer(rules),
    tablesDependOnLength: Object.values(ropes).some(ropeDependsOnLength),
    cacheLimit: Object.values(ropes).reduce((limit: number | null, rope) => limit ?? ropeSwitch(rope), null),
    hostTables: (positions, seq) => tablesOf(ropes, positions, seq),
    forward(ctx, batch) {
      const tokens: TokenBatch = { ...batch, parts: batch.cache ? 1 : ctx.attentionParts };
      const maskOf = rememberMasks(ctx, tokens, parts.makeMask ?? causalMask);
      let x = embed(ctx, tokens, parts);
      for (const block of blocks) {
        const mask = maskOf(block.window);
        const run = (input: Tensor): Tensor => block.apply(ctx, input, tokens, mask);
        x = ctx.checkpointing ? checkpoint(run, [x], ctx.leavesUnder(`${block.path}.`)) : run(x);
      }
      return applyNorm(ctx, x, finalNorm);
    },
    head: (ctx, states) => applyHead(ctx, states, head),
    headLeaves: (ctx) => headLeaves(ctx, head),
  };
}

/** The stream that the first block reads, [tokens, hidden], f32. */
function embed(ctx: StepContext, tokens: TokenBatch, parts: CausalParts): Tensor {
  const { table, positionTable = null, embeddingScale = 1, facts } = parts;
  const words = scaleEmbedding(ctx, applyEmbedding(ctx, table, tokens.ids), embeddingScale);
  const all = positionTable === null ? words : basics.add(words, applyEmbedding(ctx, positionTable, tokens.positions));
  return basics.reshape(all, [-1, facts.hiddenSize]);
}

/** One mask per window size, made when first needed. */
function rememberMasks(ctx: StepContext, tokens: TokenBatch, make: NonNullable<CausalParts['makeMask']>) {
  const masks = new Map<number | null, Tensor>();
  return (window: number | null): Tensor => {
    const mask = masks.get(window) ?? make(ctx, tokens, window);
    masks.set(window, mask);
    return mask;
  };
}

/** Tables `<name>_cos` and `<name>_sin` of every rotary scheme. */
function tablesOf(
  ropes: Readonly<Record<string, RopeConfig>>,
  positions: number,
  seq: number,
): Record<string, HostTable> {
  const tables: Record<string, HostTable> = {};
  for (const [name, config] of Object.entries(ropes)) {
    const { cos, signedSin, width } = buildRopeTables(config, positions, seq);
    tables[`${name}_cos`] = { values: cos, shape: [positions, width] };
    tables[`${name}_sin`] = { values: signedSin, shape: [positions, width] };
  }
  return tables;
}
