/**
 * @file What every data format is turned into before tokenization, so that the same rows give the same tokens from every format.
 */
import { hash } from 'node:crypto';
import type { ChatTurn } from '../tokenizer/chat-template.ts';

/** A conversation; prompt and completion are one of two turns. */
export interface ChatExample {
  readonly kind: 'chat';
  readonly messages: readonly ChatTurn[];
  /** Assistant turns before this index are context: never trained. */
  readonly trainFrom: number;
  /** Function descriptions for the chat template. */
  readonly tools: readonly unknown[] | null;
}

export interface TextExample {
  readonly kind: 'text';
  readonly text: string;
}

export interface ClassificationExample {
  readonly kind: 'classification';
  readonly text: string;
  /** One class, several (multi label), or a number (regression); numbers in texts are left as texts. */
  readonly label: string | number | readonly (string | number)[];
}

export interface TokensExample {
  readonly kind: 'tokens';
  readonly inputIds: readonly number[];
  /** One for each token, IGNORED_LABEL = not trained, null = all trained; for encoder-decoders the answer. */
  readonly labels: readonly number[] | null;
}

export type Example = ChatExample | TextExample | ClassificationExample | TokensExample;

/**
 * Makes a chat example. Where no earlier answer stands before `trainFrom` it says nothing and becomes 0, so that equal
 * conversations are equal whatever format they came from.
 */
export function chatExample(
  messages: readonly ChatTurn[],
  trainFrom: number,
  tools: readonly unknown[] | null,
): ChatExample {
  const hasEarlierAnswers = messages.slice(0, trainFrom).some((turn) => turn.role === 'assistant');
  return { kind: 'chat', messages, trainFrom: hasEarlierAnswers ? trainFrom : 0, tools };
}

/** 64 bits that stand for an example's content: equal for equal examples, whatever file or format they came from. */
export function digestExample(example: Example): bigint {
  return hash('sha256', JSON.stringify(example), 'buffer').readBigUInt64LE(0);
}

/** The text of an example for messages and previews. */
export function exampleText(example: Example): string {
  switch (example.kind) {
    case 'chat':
      return example.messages.map((turn) => turn.content ?? '').join(' ');
    case 'text':
    case 'classification':
      return example.text;
    case 'tokens':
      return example.inputIds.slice(0, 20).join(' ');
  }
}
