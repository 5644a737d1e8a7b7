/**
 * @file The playground. A chat is a loaded model in a process of its own; for base against tuned open two. Answers come as events.
 */
import { z } from 'zod';
import type { PlainError } from '../domain/app-error.ts';
import type { ClassProbability } from '../domain/class-probability.ts';
import { filePath, id, method, none, text } from './method.ts';
import type { Outcome } from './outcome.ts';

export interface ChatState {
  readonly chat: string;
  readonly model_path: string;
  /** null = the model as it is. */
  readonly adapter_dir: string | null;
  readonly state: 'loading' | 'ready' | 'ended';
  /** What loading does now. */
  readonly phase: string;
  /** Why it ended; null where it was closed. */
  readonly error: PlainError | null;
}

export interface ChatAnswer {
  readonly text: string;
  /** Classifiers: every class with its probability, the likeliest first. */
  readonly classes?: readonly ClassProbability[];
  /** Tokens made. */
  readonly tokens: number;
  readonly prompt_tokens: number;
  readonly tokens_per_second: number;
  /** `classified`: nothing was written. */
  readonly stop_reason: 'stop_token' | 'stop_string' | 'max_new_tokens' | 'context_full' | 'interrupted' | 'classified';
}

export type ChatAnswered = { readonly chat: string; readonly answer: string; readonly outcome: Outcome<ChatAnswer> };

const messages = z
  .array(z.strictObject({ role: z.string().min(1).max(40), content: text }))
  .min(1)
  .max(500);

export const chatMethods = {
  'chat:list': method<readonly ChatState[]>()(none),
  /** Answers at once; `chat:changed` says when it is ready. */
  'chat:open': method<ChatState>()(
    z.strictObject({
      /** Folder of a model; with `tuned` the run says which. */
      model: filePath.nullable().default(null),
      /** Run whose result, or one of whose checkpoints, is put on the model; null = the model as it is. */
      tuned: z
        .strictObject({
          run: id,
          checkpoint: z.int().nonnegative().nullable().default(null),
          /** The model that the run began with, stored as it was for the run. */
          as_base: z.boolean().default(false),
        })
        .nullable()
        .default(null),
      /** A run at work is paused first, and goes on when the last chat is closed or its window is gone. */
      pause_running: z.boolean().default(false),
    }),
  ),
  /** Pauses the run at work for the chats that are open; it goes on when the last of them is closed. */
  'chat:makeRoom': method<null>()(none),
  /** Text comes as `chat:textAdded`, the end as `chat:answered`, both with this answer's id. Answers of a chat are made in turn. */
  'chat:generate': method<{ readonly answer: string }>()(
    z.strictObject({
      chat: id,
      /** Messages go through the model's chat template; a prompt is taken as it is. */
      input: z.union([z.strictObject({ messages }), z.strictObject({ prompt: text })]),
      max_new_tokens: z.int().positive().max(100_000).default(256),
      /** 0 = the likeliest token each time. */
      temperature: z.number().min(0).max(10).default(0),
      top_p: z.number().min(0).max(1).default(1),
      seed: z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .default(42),
      stop: z.array(z.string().min(1)).max(20).default([]),
    }),
  ),
  /** Ends one answer; what was written stays. */
  'chat:stop': method<null>()(z.strictObject({ chat: id, answer: id })),
  /** Frees the model's memory. */
  'chat:close': method<null>()(z.strictObject({ chat: id })),
} as const;
