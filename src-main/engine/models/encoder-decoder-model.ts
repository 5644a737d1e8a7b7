/**
 * @file What encoder-decoders share: one stack of blocks reads the source, another writes the answer and looks at the source from each
 * of its blocks. To the steps such a model is a causal one, over the decoder's tokens, with a source beside them.
 */
import { causalMask, segmentMask, sourceMask, type TokenBatch } from '../nn/batch.ts';
import type { Block } from '../nn/block.ts';
import type { DecoderBlock } from '../nn/decoder-block.ts';
import { applyEmbedding, applyHead, headLeaves, type LanguageHead } from '../nn/embedding.ts';
import { linearWeights, makeLinear } from '../nn/linear.ts';
import { applyNorm, type Norm, normWeights } from '../nn/norm.ts';
import { applyRelativeBias, bucketsOf, type RelativeBias, relativeBiasWeights } from '../nn/relative-bias.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import * as basics from '../ops/basics.ts';
import { checkpoint } from '../ops/checkpoint.ts';
import { needsGradient, type Tensor } from '../ops/tensor.ts';
import type { EncoderDecoderModel, ModelFacts } from './model.ts';
import { type NameRules, makeSanitizer } from './tensor-names.ts';

/** A row of blocks, the positions they share and the norm at their end. */
export interface Stack<AnyBlock> {
  readonly blocks: readonly AnyBlock[];
  readonly positions: RelativeBias;
  readonly finalNorm: Norm;
}

export interface EncoderDecoderParts {
  readonly facts: ModelFacts & { readonly decoderLayers: number };
  /** Name of the token table that both stacks read. */
  readonly table: string;
  readonly encoder: Stack<Block>;
  readonly decoder: Stack<DecoderBlock>;
  /** Factor on what the head reads. */
  readonly headScale: number;
  readonly decoderStartTokenId: number;
  /** Linears that are never quantized. */
  readonly isKeptWhole: (path: string) => boolean;
  readonly defaultTargets: readonly string[];
  readonly names: Pick<NameRules, 'prefix' | 'ignored' | 'renamed'>;
}

const HEAD = 'lm_head';

export function assembleEncoderDecoder(parts: EncoderDecoderParts): EncoderDecoderModel {
  const { facts, table, encoder, decoder } = parts;
  const { hiddenSize, vocabSize, tiedEmbeddings } = facts;
  const headLinear = tiedEmbeddings ? null : makeLinear(HEAD, hiddenSize, vocabSize, false);
  const head: LanguageHead = { linear: headLinear, tiedTable: table, softcap: null };
  const weights: WeightSpec[] = [
    { name: table, shape: [vocabSize, hiddenSize], role: 'embedding', isNeverRun: true },
    ...stackWeights(encoder),
    ...stackWeights(decoder),
    ...(headLinear ? linearWeights([headLinear]) : []),
  ];
  const blockLinears = [...encoder.blocks, ...decoder.blocks].flatMap(({ linears }) => linears);
  const positionTables = [encoder.positions, decoder.positions];
  return {
    kind: 'encoder-decoder',
    facts,
    decoderStartTokenId: parts.decoderStartTokenId,
    weights,
    linears: [...blockLinears, ...listOf(headLinear)],
    outputLinears: listOf(headLinear),
    keptWhole: blockLinears.filter(({ path }) => parts.isKeptWhole(path)),
    defaultTargets: parts.defaultTargets,
    sanitizeName: makeSanitizer({ ...parts.names, weights, tiedHead: tiedEmbeddings ? `${HEAD}.weight` : null }),
    tablesDependOnLength: false,
    cacheLimit: null,
    hostTables: (positions) =>
      Object.fromEntries(
        positionTables.map((bias) => [bias.table, { values: bucketsOf(bias, positions), shape: [positions, 1] }]),
      ),
    forward(ctx, tokens) {
      const states = tokens.source?.ids ? encode(ctx, tokens, tokens.source.ids, parts) : null;
      return basics.scale(decode(ctx, tokens, states, parts), parts.headScale);
    },
    head: (ctx, states) => applyHead(ctx, states, head),
    headLeaves: (ctx) => headLeaves(ctx, head),
  };
}

const listOf = <T>(one: T | null): T[] => (one === null ? [] : [one]);

function stackWeights({ blocks, positions, finalNorm }: Stack<Block | DecoderBlock>): WeightSpec[] {
  return [...relativeBiasWeights(positions), ...blocks.flatMap(({ weights }) => weights), ...normWeights([finalNorm])];
}

/** What the encoder makes of the source, [source tokens, hidden], compute dtype. */
function encode(
  ctx: StepContext,
  tokens: TokenBatch,
  ids: Tensor,
  { table, encoder, facts }: EncoderDecoderParts,
): Tensor {
  const { segments, seq } = tokens.source!;
  const read: TokenBatch = {
    ...tokens,
    seq,
    keys: seq,
    ids,
    segments,
    keySegments: segments,
    cache: null,
    source: null,
  };
  const mask = maskWithPositions(ctx, segmentMask(ctx, read), encoder.positions, read);
  let x = embed(ctx, table, ids, facts.hiddenSize);
  for (const block of encoder.blocks) {
    x = runBlock(ctx, block.path, [x, mask], ([input, ownMask]) => block.apply(ctx, input!, read, ownMask!));
  }
  return applyNorm(ctx, x, encoder.finalNorm);
}

/** Final hidden states of the answer, [tokens, hidden], compute dtype. */
function decode(
  ctx: StepContext,
  tokens: TokenBatch,
  states: Tensor | null,
  { table, decoder, facts }: EncoderDecoderParts,
): Tensor {
  const mask = maskWithPositions(ctx, causalMask(ctx, tokens), decoder.positions, tokens);
  const seen = sourceMask(ctx, tokens);
  let x = embed(ctx, table, tokens.ids, facts.hiddenSize);
  for (const block of decoder.blocks) {
    x = runBlock(ctx, block.path, [x, mask, ...listOf(states)], ([input, ownMask, read]) =>
      block.apply(ctx, input!, tokens, { own: ownMask!, source: seen }, read ?? null),
    );
  }
  return applyNorm(ctx, x, decoder.finalNorm);
}

/** A block's run, recomputed in the backward pass where the step wants that. @param inputs all that a gradient may flow to */
function runBlock(
  ctx: StepContext,
  path: string,
  inputs: readonly Tensor[],
  run: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  return ctx.checkpointing ? checkpoint((...again) => run(again), inputs, ctx.leavesUnder(`${path}.`)) : run(inputs);
}

function embed(ctx: StepContext, table: string, ids: Tensor, hidden: number): Tensor {
  return basics.reshape(applyEmbedding(ctx, table, ids), [-1, hidden]);
}

/** The mask with the learned positions in it, [1 or batch, heads, seq, keys]. */
function maskWithPositions(ctx: StepContext, mask: Tensor, positions: RelativeBias, tokens: TokenBatch): Tensor {
  const bias = applyRelativeBias(ctx, positions, tokens);
  return needsGradient(bias)
    ? basics.add(bias, mask)
    : ctx.runner.scope(
        () => basics.add(bias, mask),
        (sum) => [sum.id],
      );
}
