/**
 * @file Language models in the recipes, encoder-decoders among them: packed rows, a loss at each labelled token, answers written token by
 * token.
 */
import { WRITTEN_FIGURES } from '../../../../src-shared/domain/checked-figures.ts';
import type { AnswersNeed } from '../../../../src-shared/domain/estimate-memory.ts';
import { ANSWER_TOKENS, SAMPLE_ANSWERS } from '../../../../src-shared/domain/memory-model.ts';
import type { LanguageModel } from '../../models/model.ts';
import { cacheVariables, generateEntries } from '../../steps/generate-step.ts';
import { languageTask } from '../../steps/language-task.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { questionOf } from '../answer-examples.ts';
import { greedy } from '../choose-token.ts';
import { decode } from '../decode.ts';
import { stopIds, writeAnswer } from '../generate.ts';
import { promptIds } from '../prompt-ids.ts';
import { promptText } from '../prompt-text.ts';
import { makeEmptyMeter, type Meter, type Sample, type SampleRequest, type SamplesAsked, type Task } from '../task.ts';

/** Cost of a token per value of its width, where a pair of tokens in attention costs 1: measured on the sample and the 135M shape. */
const WIDTH_COST = 4;

export interface LanguageModelOptions {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
}

export function languageModelTask(options: LanguageModelOptions): Task {
  const { model, tokenizer } = options;
  return {
    type: model.kind === 'causal' ? 'CAUSAL_LM' : 'SEQ_2_SEQ_LM',
    batching: {
      padTokenId: tokenizer.padTokenId ?? 0,
      tokenCost: WIDTH_COST * model.facts.hiddenSize,
      ...(model.kind === 'encoder-decoder' && { decoderStartTokenId: model.decoderStartTokenId }),
    },
    figures: WRITTEN_FIGURES,
    makeStep: (tables, chunks, coarse = false) => languageTask({ model, tables, chunks, coarse }),
    answering: ({ plan, buckets }) => ({
      entries: generateEntries({ model, plan, buckets }),
      scratch: cacheVariables(model, plan),
    }),
    makeMeter: makeTokenMeter,
    answerSamples: (request) => writeSamples(options, request),
    sizeOfSamples: (asked) => sizeOfSamples(options, asked),
    answer: (context, request) => writeAnswer(options, context, request),
  };
}

/** Share of labelled tokens that the model holds for the likeliest, named as TRL names it. */
function makeTokenMeter(): Meter {
  let hits = 0;
  let labels = 0;
  return {
    ...makeEmptyMeter(),
    take(_rows, outputs) {
      hits += outputs['hits']![0]!;
      labels += outputs['labels']![0]!;
    },
    figures: () => ({ mean_token_accuracy: hits / Math.max(1, labels) }),
  };
}

interface SamplePrompt extends Omit<Sample, 'answer'> {
  readonly ids: ArrayLike<number>;
}

function sizeOfSamples(options: LanguageModelOptions, asked: SamplesAsked): AnswersNeed {
  const prompts = listPrompts(options, asked);
  return {
    rows: prompts.length,
    promptTokens: Math.max(0, ...prompts.map(({ ids }) => ids.length)),
    newTokens: ANSWER_TOKENS,
  };
}

async function writeSamples(options: LanguageModelOptions, request: SampleRequest): Promise<Sample[]> {
  const { model, tokenizer } = options;
  const prompts = listPrompts(options, request);
  if (prompts.length === 0) return [];
  const stops = stopIds(tokenizer, request.template);
  const decoded = await decode({
    program: request.program,
    model,
    prompts: prompts.map(({ ids }) => ids),
    maxNewTokens: ANSWER_TOKENS,
    padTokenId: tokenizer.padTokenId ?? 0,
    choose: greedy,
    isEnd: (token) => stops.has(token),
  });
  return prompts.map(({ prompt, expected }, index) => {
    const answer = tokenizer.decode(decoded[index]!.tokens, { skipSpecialTokens: true }).trim();
    return { prompt, answer, expected };
  });
}

/** Those that leave room for an answer. */
function listPrompts(options: LanguageModelOptions, asked: SamplesAsked): SamplePrompt[] {
  const { maxPositions } = options.model.facts;
  const prompts = asked.prompts.length > 0 ? ownPrompts(options, asked) : heldOutPrompts(options, asked);
  return prompts.filter(({ ids }) => ids.length < maxPositions);
}

function heldOutPrompts({ tokenizer }: LanguageModelOptions, { examples }: SamplesAsked): SamplePrompt[] {
  const text = (ids: ArrayLike<number>): string => tokenizer.decode(ids, { skipSpecialTokens: true }).trim();
  const found = new Map<string, SamplePrompt>();
  for (const example of examples) {
    const question = questionOf(example);
    if (!question || found.size === SAMPLE_ANSWERS) continue;
    const prompt = promptText(tokenizer, question.prompt);
    if (!found.has(prompt)) found.set(prompt, { ids: question.prompt, prompt, expected: text(question.expected) });
  }
  return [...found.values()];
}

function ownPrompts({ model, tokenizer }: LanguageModelOptions, { prompts, template }: SamplesAsked): SamplePrompt[] {
  const hasTemplate = template !== null || tokenizer.chatTemplate !== null;
  return prompts.map((prompt) => {
    const input = hasTemplate ? { messages: [{ role: 'user', content: prompt }] } : { prompt };
    return { ids: promptIds(model, tokenizer, input, template), prompt, expected: null };
  });
}
