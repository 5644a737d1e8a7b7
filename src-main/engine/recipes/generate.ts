/**
 * @file A language model's answers: a conversation or a plain prompt in, streamed text out.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { createChatRenderer } from '../data/chat-renderer.ts';
import type { LanguageModel } from '../models/model.ts';
import { createStreamDecoder } from '../tokenizer/stream-decoder.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { makeChooser } from './choose-token.ts';
import type { GenerateRequest, GenerateResult } from './contract.ts';
import { decode, type DecodeEnd } from './decode.ts';
import { requireFiniteScores } from './not-finite.ts';
import { promptIds } from './prompt-ids.ts';
import type { AnswerContext } from './task.ts';

export interface Writer {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
}

/** @throws generate/empty-prompt, generate/too-long, generate/not-finite */
export async function writeAnswer(
  { model, tokenizer }: Writer,
  { program, now }: AnswerContext,
  request: GenerateRequest,
): Promise<GenerateResult> {
  const prompt = promptIds(model, tokenizer, request.input);
  requirePrompt(prompt, model.facts.maxPositions);
  const stops = stopIds(tokenizer);
  const stream = createStreamDecoder(tokenizer);
  const watch = watchStopStrings(request.stop, request.onText);
  const choose = makeChooser(request);
  const started = now();
  const [decoded] = await decode({
    program,
    model,
    prompts: [prompt],
    maxNewTokens: request.maxNewTokens,
    padTokenId: tokenizer.padTokenId ?? 0,
    choose: (logits) => {
      requireFiniteScores(logits);
      return choose(logits);
    },
    isEnd: (token) => stops.has(token) || watch.push(stream.push(token)),
    signal: request.signal,
  });
  if (!watch.found()) watch.push(stream.flush());
  const text = watch.finish();
  const { tokens, end } = decoded!;
  const seconds = Math.max(1e-6, (now() - started) / 1000);
  return {
    text,
    tokens: tokens.length,
    prompt_tokens: prompt.length,
    tokens_per_second: tokens.length / seconds,
    stop_reason: stopReason(end, watch.found()),
  };
}

const REASONS: Readonly<Record<DecodeEnd, GenerateResult['stop_reason']>> = {
  stop: 'stop_token',
  length: 'max_new_tokens',
  context_full: 'context_full',
  interrupted: 'interrupted',
};

const stopReason = (end: DecodeEnd, foundString: boolean): GenerateResult['stop_reason'] =>
  foundString ? 'stop_string' : REASONS[end];

/** Ids that end an answer: the model's own and the token that ends a turn of its chat template. */
export function stopIds(tokenizer: Tokenizer, template: string | null = null): Set<number> {
  const renderer = createChatRenderer({ tokenizer, template, now: new Date(0) });
  const turnEnd = renderer?.turnEnd ? tokenizer.tokenToId(renderer.turnEnd) : null;
  return new Set([...tokenizer.eosTokenIds, ...(turnEnd === null ? [] : [turnEnd])]);
}

/** @throws generate/empty-prompt, generate/too-long */
export function requirePrompt({ length }: Int32Array, maxPositions: number): void {
  if (length === 0) {
    throw new AppError('generate/empty-prompt', 'The prompt is empty', { hint: 'Write at least one word.' });
  }
  if (length >= maxPositions) {
    throw new AppError('generate/too-long', `The prompt has ${length} tokens; the model reads ${maxPositions}`, {
      hint: 'Shorten the prompt or the conversation.',
    });
  }
}

/** Gives text on as soon as it cannot become part of a stop string any more. */
function watchStopStrings(stops: readonly string[], onText: (chunk: string) => void) {
  const wanted = stops.filter((stop) => stop !== '');
  const longest = Math.max(0, ...wanted.map((stop) => stop.length));
  let text = '';
  let told = 0;
  let found = false;
  const tell = (end: number): void => {
    if (end > told) onText(text.slice(told, end));
    told = Math.max(told, end);
  };
  return {
    found: () => found,
    /** @returns true once a stop string has come */
    push(chunk: string): boolean {
      if (found) return true;
      text += chunk;
      const from = Math.max(0, told - longest);
      const places = wanted.map((stop) => text.indexOf(stop, from)).filter((place) => place >= 0);
      if (places.length > 0) {
        found = true;
        text = text.slice(0, Math.min(...places));
      }
      tell(found ? text.length : text.length - Math.max(0, longest - 1));
      return found;
    },
    /** @returns the whole text */
    finish(): string {
      tell(text.length);
      return text;
    },
  };
}
