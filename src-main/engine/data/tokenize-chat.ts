/**
 * @file Token ids and labels of conversations: with a chat template, or as plain text where there is none.
 *
 * The whole text is tokenized at once, as transformers does. A span of characters becomes a span of tokens by tokenizing the text up
 * to its border too: where those ids are not the beginning of the whole's, one token covers both sides, no mask would be right, and
 * the row is refused.
 */
import type { ChatTurn } from '../tokenizer/chat-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatRenderer, TextSpan } from './chat-renderer.ts';
import type { ChatExample } from './example.ts';
import { RowFault } from './faults.ts';

/** Token ids and which of them are answers. */
export interface MaskedIds {
  readonly ids: readonly number[];
  /** Same length. */
  readonly isAnswer: readonly boolean[];
}

const PLAIN = { addSpecialTokens: false };

/** @throws RowFault data/token-border, data/template-mismatch, data/template-refused */
export function tokenizeWithTemplate(tokenizer: Tokenizer, renderer: ChatRenderer, example: ChatExample): MaskedIds {
  const { text, answers, needsStopToken } = renderer.render(example);
  const ids = [...tokenizer.encode(text, PLAIN)];
  const isAnswer = new Array<boolean>(ids.length).fill(false);
  for (const answer of answers) {
    const [start, end] = tokenSpan(tokenizer, text, ids, answer, renderer.name);
    isAnswer.fill(true, start, end);
  }
  if (needsStopToken && tokenizer.eosTokenId !== null && ids.at(-1) !== tokenizer.eosTokenId) {
    ids.push(tokenizer.eosTokenId);
    isAnswer.push(answers.length > 0);
  }
  return { ids, isAnswer };
}

function tokenSpan(
  tokenizer: Tokenizer,
  text: string,
  ids: readonly number[],
  span: TextSpan,
  templateName: string,
): [start: number, end: number] {
  const border = (offset: number): number | null => {
    if (offset === text.length) return ids.length;
    const prefix = tokenizer.encode(text.slice(0, offset), PLAIN);
    return isPrefix(prefix, ids) ? prefix.length : null;
  };
  const start = border(span.start) ?? (span.earliestStart < span.start ? border(span.earliestStart) : null);
  const end = border(span.end);
  if (start !== null && end !== null) return [start, end];
  const offset = start === null ? span.start : span.end;
  const where = JSON.stringify(text.slice(Math.max(0, offset - 12), offset + 12));
  const message = `with ${templateName} one token covers a border between prompt and answer (at ${where})`;
  throw new RowFault('data/token-border', message, {
    hint: 'Remove spaces and line breaks at the ends of the message, or change the template there.',
  });
}

function isPrefix(prefix: ArrayLike<number>, ids: readonly number[]): boolean {
  if (prefix.length > ids.length) return false;
  for (let index = 0; index < prefix.length; index++) if (prefix[index] !== ids[index]) return false;
  return true;
}

/**
 * Joins what comes before an answer where there is no chat template: the messages one below the other, and a line break before the
 * answer unless there is white space already. Generation without a template uses the same text as its prompt.
 */
export function joinPlainPrompt(messages: readonly ChatTurn[]): string {
  let text = '';
  for (const { content } of messages) text += `${content ?? ''}${/\s$/.test(content ?? '') ? '' : '\n'}`;
  return text;
}

/** Prompt, answer, stop token, as often as there are answers; the tokenizer's own first token (if any) in front. */
export function tokenizePlain(tokenizer: Tokenizer, example: ChatExample): MaskedIds {
  const ids = [...tokenizer.specialPrefix];
  const isAnswer = ids.map(() => false);
  let context: ChatTurn[] = [];
  for (const [index, turn] of example.messages.entries()) {
    if (turn.role !== 'assistant') {
      context.push(turn);
      continue;
    }
    const [prompt, answer] = encodePair(tokenizer, joinPlainPrompt(context), turn.content ?? '');
    const stop = tokenizer.eosTokenId === null ? [] : [tokenizer.eosTokenId];
    const trained = index >= example.trainFrom && turn['weight'] !== 0;
    ids.push(...prompt, ...answer, ...stop);
    isAnswer.push(...prompt.map(() => false), ...answer.map(() => trained), ...stop.map(() => trained));
    context = [];
  }
  return { ids, isAnswer };
}

/** Tokenized together where that keeps the border, else apart, as generation sees them. */
function encodePair(tokenizer: Tokenizer, prompt: string, answer: string): [prompt: number[], answer: number[]] {
  const before = [...tokenizer.encode(prompt, PLAIN)];
  const whole = [...tokenizer.encode(prompt + answer, PLAIN)];
  if (isPrefix(before, whole)) return [before, whole.slice(before.length)];
  return [before, [...tokenizer.encode(answer, PLAIN)]];
}
