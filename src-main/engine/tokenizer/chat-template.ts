/**
 * @file Renders a conversation with a Jinja chat template, as transformers' apply_chat_template does.
 *
 * Templates come from models, so from strangers: they run where they can be killed (a job process). The only clock they see is the
 * one given, so that a run that is resumed on another day renders the same text.
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { AppError } from '../../../src-shared/domain/app-error.ts';

/** One turn as a template sees it; further keys (tool_calls, name, …) are passed on. */
export interface ChatTurn {
  readonly role: string;
  readonly content: string | null;
  readonly [key: string]: unknown;
}

export interface RenderChatOptions {
  /** Adds what opens the assistant's next answer. */
  readonly addGenerationPrompt?: boolean;
  /** Function descriptions for templates that know tools. */
  readonly tools?: readonly unknown[] | null;
  /** Jinja text that replaces the model's own template. */
  readonly template?: string | null;
  /** What `strftime_now` tells; left out = now. */
  readonly now?: Date;
  /** How long rendering may take; left out = 10 s. */
  readonly limitMs?: number;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const compiled = new Map<string, Template>();
const MAX_COMPILED = 16;

/**
 * @param source Jinja text
 * @param specialTokens bos_token, eos_token, … as the template may name them
 * @throws chat-template/syntax, chat-template/too-slow, chat-template/refused (the template's own raise_exception or a fault while
 *   rendering)
 */
export function renderChatTemplate(
  source: string,
  messages: readonly ChatTurn[],
  specialTokens: Readonly<Record<string, string>>,
  options: RenderChatOptions = {},
): string {
  const template = compileTemplate(source);
  const values = {
    ...builtIns(options.now ?? new Date()),
    ...specialTokens,
    messages,
    tools: options.tools ?? null,
    documents: null,
    add_generation_prompt: options.addGenerationPrompt ?? false,
  };
  try {
    const environment = new Environment();
    for (const [name, value] of Object.entries(values)) environment.set(name, value);
    const { value } = new TimedInterpreter(environment, options.limitMs ?? RENDER_LIMIT_MS).run(template.parsed);
    if (typeof value !== 'string') throw new Error('it renders no text');
    if (value.length > MOST_CHARS) throw new Error(`it renders ${Math.round(value.length / 1e6)} million characters`);
    return value;
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('chat-template/refused', `the chat template refuses this conversation: ${reason}`, {
      cause: error,
      hint: 'Correct the conversation, or set data.template to a template that accepts it.',
    });
  }
}

/** Longest text that a conversation may become; no model reads as much. */
const MOST_CHARS = 16 * 2 ** 20;
/** Templates take milliseconds; one that takes this long would never end. */
const RENDER_LIMIT_MS = 10_000;
/** Steps from one look at the clock to the next. */
const STEPS_A_LOOK = 256;

/** Ends a template that runs in circles, instead of waiting for somebody who kills the process. */
class TimedInterpreter extends Interpreter {
  readonly #limitMs: number;
  readonly #startedAt = performance.now();
  #steps = 0;

  constructor(environment: Environment, limitMs: number) {
    super(environment);
    this.#limitMs = limitMs;
  }

  /** @throws chat-template/too-slow */
  override evaluate(...args: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    this.#steps += 1;
    if (this.#steps % STEPS_A_LOOK === 0 && performance.now() > this.#startedAt + this.#limitMs) {
      const message = `The chat template had not rendered one conversation after ${this.#limitMs / 1000} s`;
      throw new AppError('chat-template/too-slow', message, {
        hint: 'Look for loops inside loops in data.template, or leave it out to use the model’s own.',
      });
    }
    return super.evaluate(...args);
  }
}

/** What every template may call: Template.render would set these too, but with the machine's clock and language. */
function builtIns(now: Date): Record<string, unknown> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: listRange,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: string) => formatDate(now, format),
  };
}

const MAX_RANGE = 1_000_000;

/** Python's range() as a list. */
function listRange(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(length) || length > MAX_RANGE) throw new Error(`range(${from}, ${to}, ${step}) is too long`);
  return Array.from({ length }, (_, index) => from + index * step);
}

/** Compiles (and remembers) a template. @throws chat-template/syntax */
export function compileTemplate(source: string): Template {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  try {
    const template = new Template(source);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(source, template);
    return template;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('chat-template/syntax', `the chat template is not valid Jinja: ${reason}`, {
      cause: error,
      hint: 'Correct the template, or leave data.template out to use the model’s own.',
    });
  }
}

/** The part of strftime that templates use, always in English. */
function formatDate(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = MONTHS[date.getMonth()]!;
  const parts: Record<string, string> = {
    '%Y': String(date.getFullYear()),
    '%y': two(date.getFullYear() % 100),
    '%m': two(date.getMonth() + 1),
    '%d': two(date.getDate()),
    '%b': month.slice(0, 3),
    '%B': month,
    '%H': two(date.getHours()),
    '%M': two(date.getMinutes()),
    '%S': two(date.getSeconds()),
    '%%': '%',
  };
  return format.replace(/%[A-Za-z%]/g, (code) => parts[code] ?? code);
}
