/**
 * @file A conversation as text, with the places of the answers in it.
 *
 * The template library marks no answers, so they are found by asking the template again. For each trained turn the conversation is
 * rendered twice more: up to the turn, with the generation prompt (that is what the model will see when it has to answer, so
 * everything after it is the answer's), and with a stand-in for the turn's content (what is equal before and after it is not the
 * answer). Where neither is found in the whole text the row is refused and the template named; there is no guessing.
 *
 * An answer's span includes the token that ends the turn: a model that never learns it never stops.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { compileTemplate, type ChatTurn } from '../tokenizer/chat-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatExample } from './example.ts';
import { RowFault } from './faults.ts';

/** Characters [start, end) of the rendered text. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
  /**
   * Less than `start` where the template puts white space before the answer and does not say to whom it belongs: the span may begin
   * there if a token covers both. With a generation prompt it does say, and both are equal.
   */
  readonly earliestStart: number;
}

export interface RenderedChat {
  readonly text: string;
  /** Trained answers, end of turn included; ascending. */
  readonly answers: readonly TextSpan[];
  /** True where the last answer is followed by no stop token, so one has to be added. */
  readonly needsStopToken: boolean;
}

export interface ChatRenderer {
  /** `the model's chat template` or `data.template`, for messages. */
  readonly name: string;
  /** The special token that ends an assistant's turn, null where the template has none. */
  readonly turnEnd: string | null;
  render(example: ChatExample): RenderedChat;
}

export interface ChatRendererOptions {
  readonly tokenizer: Tokenizer;
  /** `data.template`: replaces the model's own template. */
  readonly template: string | null;
  /** What templates take for today; fixed for a run, so that resuming renders the same. */
  readonly now: Date;
}

/** Private-use characters that no template and no data contains. */
const STAND_IN = '\uE5A7stand-in\uE5A8';

/** @returns null where neither the model nor the configuration has a template. @throws chat-template/syntax */
export function createChatRenderer(options: ChatRendererOptions): ChatRenderer | null {
  const { tokenizer, template, now } = options;
  const source = template ?? tokenizer.chatTemplate;
  if (source === null) return null;
  compileTemplate(source);
  const name = template === null ? "the model's chat template" : 'data.template';
  const draw: Draw = (messages, tools, addGenerationPrompt) =>
    tokenizer.renderChat(messages, { tools, template: source, now, addGenerationPrompt });
  const turnEnd = findTurnEnd(draw, tokenizer);
  return { name, turnEnd, render: (example) => renderAnswers({ draw, name, turnEnd }, example) };
}

type Draw = (messages: readonly ChatTurn[], tools: readonly unknown[] | null, addGenerationPrompt: boolean) => string;

interface Drawing {
  readonly draw: Draw;
  readonly name: string;
  readonly turnEnd: string | null;
}

/** The first special (or otherwise added) token after the answer of a conversation of two turns. */
function findTurnEnd(draw: Draw, tokenizer: Tokenizer): string | null {
  const probe = [
    { role: 'user', content: 'x' },
    { role: 'assistant', content: STAND_IN },
  ];
  const text = tryDraw(draw, probe, null, false);
  if (text === null || !text.includes(STAND_IN)) return tokenizer.specialTokens['eos_token'] ?? null;
  const after = text.slice(text.lastIndexOf(STAND_IN) + STAND_IN.length);
  const id = tokenizer.encode(after, { addSpecialTokens: false }).find((token) => tokenizer.isAdded(token));
  return id === undefined ? null : tokenizer.idToToken(id);
}

function renderAnswers(drawing: Drawing, example: ChatExample): RenderedChat {
  const { messages, tools, trainFrom } = example;
  const text = drawOrRefuse(drawing, messages, tools);
  const answers: TextSpan[] = [];
  for (const [index, turn] of messages.entries()) {
    if (turn.role !== 'assistant' || index < trainFrom || turn['weight'] === 0) continue;
    const span = spanOfTurn(drawing, example, text, index);
    if (span.start < (answers.at(-1)?.end ?? 0)) throw mismatch(drawing, index);
    // Where a stop token is added at the very end, the answer goes on up to it.
    const reachesEnd = drawing.turnEnd === null && index === messages.length - 1;
    answers.push(reachesEnd ? { ...span, end: text.length } : span);
  }
  return { text, answers, needsStopToken: drawing.turnEnd === null };
}

function spanOfTurn(drawing: Drawing, example: ChatExample, text: string, index: number): TextSpan {
  const { messages, tools } = example;
  const around = surroundings(drawing, example, text, index);
  const prompt = tryDraw(drawing.draw, messages.slice(0, index), tools, true);
  const promptFits = prompt !== null && text.startsWith(prompt) && prompt.length <= (around.before ?? text.length);
  const start = promptFits ? prompt.length : around.before;
  if (start === null) throw mismatch(drawing, index);
  const contentEnd = around.after ?? start;
  if (around.after === null && mentions(messages[index]!, drawing.turnEnd)) throw mismatch(drawing, index);
  const limit = nextContent(drawing, example, text, index) ?? text.length;
  const marker = drawing.turnEnd === null ? -1 : text.indexOf(drawing.turnEnd, contentEnd);
  const end = marker >= 0 && marker < limit ? marker + drawing.turnEnd!.length : around.after;
  if (end === null || end <= start) throw mismatch(drawing, index);
  const earliestStart = promptFits ? start : text.slice(0, start).trimEnd().length;
  return { start, end, earliestStart };
}

/** Where a turn's content begins and ends in the whole text, by what stays when a stand-in takes its place; null = not found. */
function surroundings(
  drawing: Drawing,
  { messages, tools }: ChatExample,
  text: string,
  index: number,
): { readonly before: number | null; readonly after: number | null } {
  const replaced = messages.map((turn, position) => (position === index ? { ...turn, content: STAND_IN } : turn));
  const shown = tryDraw(drawing.draw, replaced, tools, false);
  const place = shown?.indexOf(STAND_IN) ?? -1;
  if (shown === null || place < 0 || shown.lastIndexOf(STAND_IN) !== place) return { before: null, after: null };
  const tail = shown.slice(place + STAND_IN.length);
  const before = text.startsWith(shown.slice(0, place)) ? place : null;
  const after = text.endsWith(tail) && text.length - tail.length >= place ? text.length - tail.length : null;
  return { before, after };
}

/** Where the content of the following turn begins: the end of this turn stands before it. */
function nextContent(drawing: Drawing, example: ChatExample, text: string, index: number): number | null {
  if (index + 1 >= example.messages.length) return null;
  return surroundings(drawing, example, text, index + 1).before;
}

function mentions(turn: ChatTurn, marker: string | null): boolean {
  return marker !== null && JSON.stringify(turn).includes(marker);
}

function tryDraw(
  draw: Draw,
  messages: readonly ChatTurn[],
  tools: readonly unknown[] | null,
  prompt: boolean,
): string | null {
  try {
    return draw(messages, tools, prompt);
  } catch (error) {
    if (error instanceof AppError && error.code === 'chat-template/refused') return null;
    throw error;
  }
}

function drawOrRefuse(drawing: Drawing, messages: readonly ChatTurn[], tools: readonly unknown[] | null): string {
  try {
    return drawing.draw(messages, tools, false);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'chat-template/refused') throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new RowFault('data/template-refused', `${drawing.name} refuses this conversation: ${reason}`, {
      hint: error.hint,
    });
  }
}

function mismatch(drawing: Drawing, index: number): RowFault {
  const message = `${drawing.name} does not show where message ${index + 1} begins and ends, so its tokens cannot be told apart`;
  return new RowFault('data/template-mismatch', message, {
    hint: 'Set data.template to a template that writes each message as it is, or set completion_only_loss to false.',
  });
}
