/**
 * @file The head of masked language models: a linear with activation and norm, then a score for each word from the table of embeddings,
 * with a bias of its own.
 */
import { applyHead, headLeaves, type LanguageHead } from '../nn/embedding.ts';
import { applyLinear, frozenVector, type Linear, linearWeights, makeLinear } from '../nn/linear.ts';
import { applyNorm, makeLayerNorm, type Norm, normWeights } from '../nn/norm.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import { activation, type Activation } from '../ops/activation.ts';
import { addBias } from '../ops/linear.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { ModelFacts } from './model.ts';

export interface WordHeadParts {
  /** `cls.predictions.transform.dense` */
  readonly transform: string;
  readonly norm: string;
  readonly eps: number;
  readonly act: Activation;
  /** `cls.predictions.decoder` */
  readonly decoder: string;
  /** Name of the bias of all words. */
  readonly bias: string;
}

export interface WordHead {
  readonly transform: Linear;
  readonly norm: Norm;
  readonly act: Activation;
  /** null = the table of embeddings. */
  readonly decoder: Linear | null;
  readonly words: LanguageHead;
  readonly bias: string;
  readonly weights: readonly WeightSpec[];
  /** Names in files that repeat the table and the bias. */
  readonly tiedNames: readonly string[];
}

export function makeWordHead(parts: WordHeadParts, facts: ModelFacts, table: string): WordHead {
  const { hiddenSize, vocabSize, tiedEmbeddings } = facts;
  const transform = makeLinear(parts.transform, hiddenSize, hiddenSize, true);
  const norm = makeLayerNorm(parts.norm, hiddenSize, parts.eps);
  const decoder = tiedEmbeddings ? null : makeLinear(parts.decoder, hiddenSize, vocabSize, false);
  const weights: WeightSpec[] = [
    ...linearWeights([transform]),
    ...normWeights([norm]),
    ...(decoder ? linearWeights([decoder]) : []),
    { name: parts.bias, shape: [vocabSize], role: 'vector' },
  ];
  const tiedNames = [`${parts.decoder}.weight`, `${parts.decoder}.bias`].filter((name) => name !== parts.bias);
  const words = { linear: decoder, tiedTable: table, softcap: null };
  return { transform, norm, act: parts.act, decoder, words, bias: parts.bias, weights, tiedNames };
}

/** @param states [n, hidden], compute dtype @returns logits [n, vocab], compute dtype */
export function applyWordHead(ctx: StepContext, states: Tensor, head: WordHead): Tensor {
  const turned = activation(applyLinear(ctx, states, head.transform), head.act);
  const logits = applyHead(ctx, applyNorm(ctx, turned, head.norm), head.words);
  return addBias(logits, ctx.parameter(head.bias) ?? frozenVector(ctx, head.bias));
}

/** Trainable leaves inside the head. */
export function wordHeadLeaves(ctx: StepContext, { transform, norm, words, bias }: WordHead): Tensor[] {
  const own = ctx.parameter(bias);
  return [
    ...ctx.leavesUnder(`${transform.path}.`),
    ...ctx.leavesUnder(`${norm.path}.`),
    ...headLeaves(ctx, words),
    ...(own ? [own.leaf] : []),
  ];
}
