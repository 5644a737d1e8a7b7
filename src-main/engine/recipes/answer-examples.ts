/**
 * @file Lets the model answer tokenized examples greedily, to compare with the answers in the data.
 */
import type { Program } from '../compile/program.ts';
import { IGNORED_LABEL, type TokenizedExample } from '../data/types.ts';
import type { LanguageModel } from '../models/model.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { greedy } from './choose-token.ts';
import type { EvaluatedAnswer } from './contract.ts';
import { decode } from './decode.ts';
import { promptText } from './prompt-text.ts';

export interface AnswerOptions {
  readonly program: Program;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly stops: ReadonlySet<number>;
  readonly examples: readonly TokenizedExample[];
  readonly batchSize: number;
  readonly maxNewTokens: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

/** An example cut into what is asked and what is wanted: its last answer. */
export interface Question {
  readonly prompt: Int32Array;
  readonly expected: Int32Array;
}

/** @returns null where nothing stands before the answer */
export function questionOf({ inputIds, labels, decoderIds }: TokenizedExample): Question | null {
  if (decoderIds !== null) return { prompt: inputIds, expected: decoderIds };
  let end = labels.length;
  while (end > 0 && labels[end - 1] === IGNORED_LABEL) end -= 1;
  let start = end;
  while (start > 0 && labels[start - 1] !== IGNORED_LABEL) start -= 1;
  if (start === 0 || start === end) return null;
  return { prompt: inputIds.slice(0, start), expected: inputIds.slice(start, end) };
}

/** One answer per example, in their order; `correct` = the same text, white space at the ends aside. */
export async function answerExamples(options: AnswerOptions): Promise<EvaluatedAnswer[]> {
  const { examples, batchSize, tokenizer, stops, signal, onProgress } = options;
  const questions = examples.map(questionOf);
  const order = questions.flatMap((question, index) => (question ? [index] : []));
  order.sort((a, b) => questions[b]!.prompt.length - questions[a]!.prompt.length || a - b);
  const answers = new Map<number, EvaluatedAnswer>();
  for (let at = 0; at < order.length; at += batchSize) {
    signal.throwIfAborted();
    const rows = order.slice(at, at + batchSize);
    const decoded = await decode({
      program: options.program,
      model: options.model,
      prompts: rows.map((row) => questions[row]!.prompt),
      maxNewTokens: options.maxNewTokens,
      padTokenId: tokenizer.padTokenId ?? 0,
      choose: greedy,
      isEnd: (token) => stops.has(token),
      signal,
    });
    signal.throwIfAborted();
    rows.forEach((row, index) => answers.set(row, compare(tokenizer, questions[row]!, decoded[index]!.tokens)));
    onProgress?.(Math.min(1, (at + batchSize) / order.length));
  }
  return [...answers].sort(([a], [b]) => a - b).map(([, answer]) => answer);
}

function compare(tokenizer: Tokenizer, { prompt, expected }: Question, made: readonly number[]): EvaluatedAnswer {
  const text = (ids: ArrayLike<number>): string => tokenizer.decode(ids, { skipSpecialTokens: true }).trim();
  const [wanted, answer] = [text(expected), text(made)];
  return { prompt: promptText(tokenizer, prompt), expected: wanted, answer, correct: wanted === answer };
}
