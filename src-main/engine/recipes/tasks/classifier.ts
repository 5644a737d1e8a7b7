/**
 * @file Classifiers in the recipes: one example a row, a class (or classes, or a number) for each, accuracy and F1 beside the loss.
 */
import { AppError } from '../../../../src-shared/domain/app-error.ts';
import { SORTED_FIGURES } from '../../../../src-shared/domain/checked-figures.ts';
import type { ClassSet } from '../../data/class-labels.ts';
import { cutText } from '../../data/surround-text.ts';
import type { TokenizedExample } from '../../data/types.ts';
import type { ClassifierModel } from '../../models/model.ts';
import { classifierSteps, readRows } from '../../steps/classifier-task.ts';
import { logitsEntry } from '../../steps/evaluate-step.ts';
import { TableCache, tokenArrays } from '../../steps/token-inputs.ts';
import type { Program } from '../../compile/program.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { figuresOfClasses, figuresOfClassSets, figuresOfNumbers } from '../class-figures.ts';
import { answerOf, chosenClasses, expectedOf, probabilitiesOf } from '../predictions.ts';
import { requireFiniteScores } from '../not-finite.ts';
import type { GenerateRequest, GenerateResult } from '../contract.ts';
import type { AnswerContext, Meter, Sample, SampleRequest, SamplesAsked, Task } from '../task.ts';

const MOST_SAMPLES = 3;

export interface ClassifierOptions {
  readonly model: ClassifierModel;
  readonly tokenizer: Tokenizer;
  readonly classes: ClassSet;
  /** config.json's. */
  readonly padTokenId: number | null;
}

export function classifierTask(options: ClassifierOptions): Task {
  const { model, tokenizer, classes, padTokenId } = options;
  const { problemType } = classes;
  return {
    type: 'SEQ_CLS',
    batching: { padTokenId: padTokenId ?? tokenizer.padTokenId ?? 0, problemType },
    figures: SORTED_FIGURES[problemType],
    makeStep: (tables) => classifierSteps({ model, tables, problemType, padTokenId }),
    answering: ({ plan, buckets }) => ({ entries: [logitsEntry({ model, plan, buckets })] }),
    makeMeter: (examples) => makeMeter(options, examples),
    answerSamples: async (request) => classifySamples(options, request),
    // Each is read by itself.
    sizeOfSamples: (asked) => ({ rows: 1, promptTokens: longestSample(options, asked), newTokens: 0 }),
    answer: async (context, request) => classifyRequest(options, context, request),
  };
}

/** Scores of one text. @param ids its tokens, at most the model's positions @returns [labels] */
export function classify({ model, padTokenId }: ClassifierOptions, program: Program, ids: Int32Array): Float32Array {
  const tokens = {
    batch: 1,
    seq: ids.length,
    inputIds: ids,
    positionIds: Int32Array.from(ids, (_, index) => index),
    segmentIds: new Int32Array(ids.length).fill(1),
  };
  const { arrays, sizes } = tokenArrays(new TableCache(model), tokens);
  const rows = readRows(model, tokens, padTokenId);
  const { logits } = program.call('logits', { ...sizes, rows: 1 }, { ...arrays, rows });
  return new Float32Array(logits as Float32Array);
}

/** The class of a text, or of what was said last in a conversation. */
function classifyRequest(
  options: ClassifierOptions,
  { program, now }: AnswerContext,
  { input, onText }: GenerateRequest,
): GenerateResult {
  const { tokenizer, model, classes } = options;
  const text = 'prompt' in input ? input.prompt : (input.messages.at(-1)?.content ?? '');
  if (text.trim() === '') {
    throw new AppError('generate/empty-prompt', 'There is no text to classify', { hint: 'Write at least one word.' });
  }
  const ids = cutText(tokenizer, text, model.facts.maxPositions);
  const started = now();
  const logits = classify(options, program, ids);
  requireFiniteScores(logits);
  const answer = answerOf(classes, logits);
  onText(answer);
  const named = probabilitiesOf(classes, logits).map((probability, id) => ({ label: classes.names[id]!, probability }));
  return {
    text: answer,
    classes: named.sort((a, b) => b.probability - a.probability),
    tokens: 0,
    prompt_tokens: ids.length,
    tokens_per_second: ids.length / Math.max(1e-6, (now() - started) / 1000),
    stop_reason: 'classified',
  };
}

/** Keeps each row's scores. */
function makeMeter({ classes, tokenizer }: ClassifierOptions, examples: readonly TokenizedExample[]): Meter {
  const width = classes.names.length;
  const scores = new Map<number, Float32Array>();
  return {
    take(rows, { logits }) {
      rows.forEach((row, at) => scores.set(row, Float32Array.from(logits!.slice(at * width, (at + 1) * width))));
    },
    figures() {
      const measured = [...scores.keys()].sort((a, b) => a - b);
      const targets = measured.map((row) => examples[row]!.target!);
      const found = measured.map((row) => scores.get(row)!);
      switch (classes.problemType) {
        case 'regression':
          return figuresOfNumbers(
            targets as number[],
            found.map(([value]) => value!),
          );
        case 'multi_label_classification':
          return figuresOfClassSets(
            targets as number[][],
            found.map((logits) => Array.from(logits, (score) => (score > 0 ? 1 : 0))),
          );
        case 'single_label_classification':
          return figuresOfClasses(
            targets as number[],
            found.map((logits) => chosenClasses(classes, logits)[0]!),
            width,
          );
      }
    },
    answers: () => {
      // A number is near or far, not right or wrong.
      if (classes.problemType === 'regression') return [];
      return examples.map(({ inputIds, target }, row) => {
        const [expected, answer] = [expectedOf(classes, target!), answerOf(classes, scores.get(row)!)];
        return { prompt: textOf(tokenizer, inputIds), expected, answer, correct: expected === answer };
      });
    },
  };
}

const textOf = (tokenizer: Tokenizer, ids: Int32Array): string =>
  tokenizer.decode(ids, { skipSpecialTokens: true }).trim();

function longestSample({ model, tokenizer }: ClassifierOptions, { prompts, examples }: SamplesAsked): number {
  const own = prompts.map((prompt) => cutText(tokenizer, prompt, model.facts.maxPositions));
  const read = own.length > 0 ? own : chooseSamples(examples).map(({ inputIds }) => inputIds);
  return Math.max(0, ...read.map(({ length }) => length));
}

function classifySamples(options: ClassifierOptions, { program, prompts, examples }: SampleRequest): Sample[] {
  const { tokenizer, classes, model } = options;
  const answer = (ids: Int32Array): string => answerOf(classes, classify(options, program, ids));
  if (prompts.length > 0) {
    return prompts.map((prompt) => {
      const ids = cutText(tokenizer, prompt, model.facts.maxPositions);
      return { prompt, answer: answer(ids), expected: null };
    });
  }
  return chooseSamples(examples).map(({ inputIds, target }) => ({
    prompt: textOf(tokenizer, inputIds),
    answer: answer(inputIds),
    expected: expectedOf(classes, target!),
  }));
}

/** The first rows, of different classes as far as there are some; no text twice. */
function chooseSamples(examples: readonly TokenizedExample[]): TokenizedExample[] {
  const chosen = new Map<string, TokenizedExample>();
  const classes = new Set<string>();
  const take = (example: TokenizedExample): void => {
    const text = example.inputIds.join();
    if (chosen.size === MOST_SAMPLES || chosen.has(text)) return;
    chosen.set(text, example);
    classes.add(String(example.target));
  };
  for (const example of examples) if (!classes.has(String(example.target))) take(example);
  for (let row = 0; row < examples.length && chosen.size < MOST_SAMPLES; row++) take(examples[row]!);
  return [...chosen.values()];
}
