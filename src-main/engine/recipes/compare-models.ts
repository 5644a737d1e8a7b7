/**
 * @file Does what was written behave as what was trained? Both answer the same questions greedily, and both score the same tokens: each
 * question with the original's answer behind it, so that the places where an answer is decided are among them.
 *
 * One after the other in one process, so that memory holds one model at a time.
 */
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { BehaviourCheck, ComparedAnswer } from '../../../src-shared/domain/export-certificate.ts';
import { cutText } from '../data/surround-text.ts';
import type { AnyModel } from '../models/model.ts';
import { isWriter } from '../models/registry.ts';
import { logitsEntry } from '../steps/evaluate-step.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { CompareModels, EngineHost, Logits, ModelSource } from './contract.ts';
import { type InferenceSession, openInferenceSession } from './inference-session.ts';
import { type LogitsInput, readLogits } from './logits.ts';
import { promptIds } from './prompt-ids.ts';
import type { Task } from './task.ts';
import { makeTask } from './tasks/make-task.ts';

/** Long enough to see whether a model has gone astray. */
const MOST_TOKENS = 48;
/** Positions scored for each question, the last ones; a vocabulary of 150,000 words takes 40 MB at each question so. */
const MOST_POSITIONS = 64;

/** @throws compare/no-prompt where every question is longer than the model reads; what opening the models throws; Interrupted */
export const compareModels: CompareModels = async ({ host, original, written, prompts }) => {
  const asked = await askModel(host, original, prompts, null);
  const again = await askModel(
    host,
    written,
    asked.map(({ prompt }) => prompt),
    asked,
  );
  const answers = asked.map(({ prompt, answer }, index): ComparedAnswer => {
    return { prompt, original: answer, written: again[index]!.answer };
  });
  return { answers, ...compareScores(asked, again) };
};

interface Asked {
  readonly prompt: string;
  readonly answer: string;
  readonly logits: Logits;
}

/** @param earlier what the other model answered: its tokens are scored; null = this model's own */
async function askModel(
  host: EngineHost,
  source: ModelSource,
  prompts: readonly string[],
  earlier: readonly Asked[] | null,
): Promise<Asked[]> {
  let task: Task;
  const session = await openInferenceSession(host, source, async (parts) => {
    task = makeTask(parts.opened, await parts.opened.tokenizer());
    const answering = task.answering(parts);
    const scores = answering.entries.some(({ name }) => name === 'logits');
    return { ...answering, entries: scores ? answering.entries : [...answering.entries, logitsEntry(parts)] };
  });
  try {
    const tokenizer = await session.tokenizer();
    const asked: Asked[] = [];
    const fitting = earlier ? prompts : prompts.filter((prompt) => fits(session.model, tokenizer, prompt));
    for (const [index, prompt] of fitting.entries()) {
      if (host.signal.aborted) throw new Interrupted();
      host.report({ event: 'progress', phase: 'Asking both the same', fraction: index / fitting.length });
      const answer = await answerOf(host, session, task!, prompt);
      const scored = scoredTokens(session.model, tokenizer, prompt, earlier?.[index]?.answer ?? answer);
      asked.push({ prompt, answer, logits: readLogits(session, { ...scored, last: MOST_POSITIONS }) });
    }
    if (asked.length > 0) return asked;
    throw new AppError('compare/no-prompt', 'Every question is longer than the model reads');
  } finally {
    session.dispose();
  }
}

async function answerOf(host: EngineHost, session: InferenceSession, task: Task, prompt: string): Promise<string> {
  const { text } = await task.answer(
    { program: session.program, now: host.now },
    {
      input: { messages: [{ role: 'user', content: prompt }] },
      maxNewTokens: MOST_TOKENS,
      temperature: 0,
      topP: 1,
      seed: 0,
      stop: [],
      signal: host.signal,
      onText: () => {},
    },
  );
  return text.trim();
}

function fits(model: AnyModel, tokenizer: Tokenizer, prompt: string): boolean {
  return !isWriter(model) || questionIds(model, tokenizer, prompt).length < model.facts.maxPositions;
}

function questionIds(model: AnyModel, tokenizer: Tokenizer, prompt: string): Int32Array {
  if (!isWriter(model)) return cutText(tokenizer, prompt, model.facts.maxPositions);
  return promptIds(model, tokenizer, { messages: [{ role: 'user', content: prompt }] });
}

function scoredTokens(model: AnyModel, tokenizer: Tokenizer, prompt: string, answer: string): LogitsInput {
  const ids = questionIds(model, tokenizer, prompt);
  const { maxPositions } = model.facts;
  if (!isWriter(model)) return { ids, decoderIds: null };
  const behind = tokenizer.encode(answer, { addSpecialTokens: false });
  if (model.kind === 'encoder-decoder') {
    return { ids, decoderIds: Int32Array.from([model.decoderStartTokenId, ...behind]).slice(0, maxPositions) };
  }
  return { ids: Int32Array.from([...ids, ...behind]).slice(0, maxPositions), decoderIds: null };
}

function compareScores(asked: readonly Asked[], again: readonly Asked[]): Omit<BehaviourCheck, 'answers'> {
  let [positions, same, largest, sum, squares, count] = [0, 0, 0, 0, 0, 0];
  for (const [index, { logits }] of asked.entries()) {
    const other = again[index]!.logits;
    const [rows, width] = logits.shape;
    if (other.shape.join() !== logits.shape.join()) throw differentShape(logits, other);
    for (let row = 0; row < rows; row++) same += Number(chooseTheSame(logits, other, row));
    for (let at = 0; at < rows * width; at++) {
      const value = logits.data[at]!;
      largest = Math.max(largest, Math.abs(value - other.data[at]!));
      sum += value;
      squares += value * value;
    }
    positions += rows;
    count += rows * width;
  }
  const spread = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  return {
    positions,
    same_choice: same / positions,
    // Math.max keeps what is no number.
    largest_difference: Number.isFinite(largest) ? largest : null,
    score_spread: Number.isFinite(spread) ? spread : 0,
  };
}

/** A hundredth of a number that a model foretells is as good as the same. */
const NUMBER_TOLERANCE = 0.01;

function chooseTheSame({ data, shape: [, width] }: Logits, other: Logits, row: number): boolean {
  const [from, to] = [row * width, (row + 1) * width];
  if (width > 1) return likeliest(data, from, to) === likeliest(other.data, from, to);
  return Math.abs(data[from]! - other.data[from]!) <= NUMBER_TOLERANCE * Math.max(1, Math.abs(data[from]!));
}

function likeliest(scores: Float32Array, from: number, to: number): number {
  let best = from;
  for (let at = from; at < to; at++) if (scores[at]! > scores[best]!) best = at;
  return best - from;
}

function differentShape({ shape }: Logits, other: Logits): AppError {
  return new AppError(
    'compare/other-model',
    `The written model scores [${other.shape.join()}], not [${shape.join()}]`,
    {
      hint: 'It has another vocabulary or other classes: give the model that the run was trained on.',
    },
  );
}
