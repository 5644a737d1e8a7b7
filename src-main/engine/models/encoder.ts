/**
 * @file What all encoders share: embeddings with a norm, blocks in which every token sees every other, and one of two heads: words for the
 * masked places, or classes from the first token's state.
 *
 * Their own dropouts are not applied while an adapter is trained, as in the decoders here.
 */
import { segmentMask, type TokenBatch } from '../nn/batch.ts';
import { type Block, normToStream } from '../nn/block.ts';
import { applyEmbedding } from '../nn/embedding.ts';
import { linearWeights } from '../nn/linear.ts';
import { type Norm, normWeights } from '../nn/norm.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import * as basics from '../ops/basics.ts';
import { checkpoint } from '../ops/checkpoint.ts';
import * as raw from '../ops/primitives.ts';
import type { Tensor } from '../ops/tensor.ts';
import { applyClassHead, type ClassHead, classHeadLinears, makeClassHead, type ClassHeadParts } from './class-head.ts';
import type { ClassifierModel, Encoder, MaskedModel, ModelFacts } from './model.ts';
import { makeSanitizer, type NameRules } from './tensor-names.ts';
import { applyWordHead, makeWordHead, type WordHead, type WordHeadParts, wordHeadLeaves } from './word-head.ts';

export interface EncoderParts {
  readonly facts: ModelFacts;
  readonly embeddings: {
    readonly words: string;
    readonly positions: string;
    /** Rows of the table of positions. */
    readonly positionRows: number;
    /** Row of the table of positions that learns nothing; none where left out. */
    readonly paddingPosition?: number;
    /** Table of sentence kinds, of which only the first row is used; null = there is none. */
    readonly tokenTypes: { readonly name: string; readonly rows: number } | null;
    readonly norm: Norm;
    /** Rows of the position table, int32 [batch, seq]; the token's own positions where left out. */
    readonly positionsOf?: (ctx: StepContext, tokens: TokenBatch) => Tensor;
  };
  readonly blocks: readonly Block[];
  readonly wordHead: WordHeadParts;
  readonly classHead: ClassHeadParts;
  readonly defaultTargets: readonly string[];
  /** Prefix, and what files hold beside the encoder and its heads. */
  readonly names: Pick<NameRules, 'prefix' | 'ignored' | 'renamed'>;
}

export function assembleEncoder(parts: EncoderParts): Encoder {
  return {
    kind: 'encoder',
    facts: parts.facts,
    withWordHead: () => withWordHead(parts),
    withClassHead: (labels) => withClassHead(parts, labels),
  };
}

function withWordHead(parts: EncoderParts): MaskedModel {
  const { facts, embeddings } = parts;
  const head: WordHead = makeWordHead(parts.wordHead, facts, embeddings.words);
  const linears = [head.transform, ...(head.decoder ? [head.decoder] : [])];
  const weights = [...baseWeights(parts), ...head.weights];
  return {
    ...common(parts, weights, facts.tiedEmbeddings ? head.tiedNames : []),
    kind: 'masked',
    headWeights: head.weights.map(({ name }) => name),
    linears: [...parts.blocks.flatMap((block) => block.linears), ...linears],
    outputLinears: head.decoder ? [head.decoder] : [],
    head: (ctx, states) => applyWordHead(ctx, states, head),
    headLeaves: (ctx) => wordHeadLeaves(ctx, head),
  };
}

function withClassHead(parts: EncoderParts, labels: number): ClassifierModel {
  const head: ClassHead = makeClassHead(parts.classHead, parts.facts.hiddenSize, labels);
  const linears = classHeadLinears(head);
  const isHead = (path: string): boolean => parts.classHead.modules.some((name) => path.startsWith(name));
  const weights = [...baseWeights(parts), ...linears.flatMap((linear) => linearWeights([linear]))];
  return {
    ...common(parts, weights, []),
    facts: { ...parts.facts, tiedEmbeddings: false },
    kind: 'classifier',
    labels,
    reads: 'first',
    headModules: parts.classHead.modules,
    freshWeights: linears.flatMap((linear) => linearWeights([linear])).map(({ name }) => name),
    linears: [...parts.blocks.flatMap((block) => block.linears), ...linears],
    outputLinears: linears.filter(({ path }) => isHead(path)),
    classify: (ctx, states) => applyClassHead(ctx, states, head),
  };
}

/** @param tied names of head tensors that repeat others */
function common(parts: EncoderParts, weights: readonly WeightSpec[], tied: readonly string[]) {
  const { facts, names } = parts;
  const ours = new Set(weights.map(({ name }) => name));
  const sanitize = makeSanitizer({ ...names, weights, tiedHead: null });
  return {
    facts,
    weights,
    defaultTargets: parts.defaultTargets,
    sanitizeName(name: string): string | null {
      if (tied.includes(name)) return null;
      const called = sanitize(modernName(name));
      // Heads for other tasks stand beside the encoder in many files.
      return called === null || ours.has(called) || isCompanion(called, ours) ? called : null;
    },
    tablesDependOnLength: false,
    cacheLimit: null,
    hostTables: () => ({}),
    forward: (ctx: StepContext, tokens: TokenBatch) => encode(ctx, tokens, parts),
  };
}

/** What bitsandbytes puts beside a weight. */
function isCompanion(name: string, ours: ReadonlySet<string>): boolean {
  const [, path] = /^(.*\.)(?:weight\..+|SCB|weight_format)$/.exec(name) ?? [];
  return path !== undefined && ours.has(`${path}weight`);
}

/** Norms of files from before 2019. */
const modernName = (name: string): string => name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');

function baseWeights({ facts, embeddings, blocks }: EncoderParts): WeightSpec[] {
  const { words, positions, positionRows, tokenTypes, norm } = embeddings;
  const table = (name: string, rows: number, paddingRow: number | null): WeightSpec => ({
    name,
    shape: [rows, facts.hiddenSize],
    role: 'embedding',
    paddingRow,
  });
  return [
    table(words, facts.vocabSize, facts.paddingRow),
    table(positions, positionRows, embeddings.paddingPosition ?? null),
    ...(tokenTypes ? [table(tokenTypes.name, tokenTypes.rows, null)] : []),
    ...normWeights([norm]),
    ...blocks.flatMap((block) => block.weights),
  ];
}

/** States of all tokens, [tokens, hidden], compute dtype. */
function encode(ctx: StepContext, tokens: TokenBatch, parts: EncoderParts): Tensor {
  const mask = segmentMask(ctx, tokens);
  let x = embed(ctx, tokens, parts);
  for (const block of parts.blocks) {
    const run = (input: Tensor): Tensor => block.apply(ctx, input, tokens, mask);
    x = ctx.checkpointing ? checkpoint(run, [x], ctx.leavesUnder(`${block.path}.`)) : run(x);
  }
  return basics.cast(x, ctx.compute);
}

/** The stream that the first block reads, [tokens, hidden], f32. */
function embed(ctx: StepContext, tokens: TokenBatch, { facts, embeddings }: EncoderParts): Tensor {
  const { words, positions, tokenTypes, norm, positionsOf } = embeddings;
  const places = positionsOf ? positionsOf(ctx, tokens) : tokens.positions;
  let all = basics.add(applyEmbedding(ctx, words, tokens.ids), applyEmbedding(ctx, positions, places));
  if (tokenTypes) {
    const first = raw.fill(ctx.runner, [1], 0, 'int32');
    all = basics.add(all, applyEmbedding(ctx, tokenTypes.name, first)); // [1, hidden], for all tokens
  }
  return normToStream(ctx, basics.reshape(all, [-1, facts.hiddenSize]), norm);
}
