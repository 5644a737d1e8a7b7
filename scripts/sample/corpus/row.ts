/**
 * @file One example of the pre-training corpus: plain text or a conversation.
 */
import type { Random } from '../random.ts';

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type CorpusRow = { readonly text: string } | { readonly messages: readonly ChatTurn[] };

/** Writes one example of a genre. */
export type Genre = (random: Random) => CorpusRow;

/** Turns of user and assistant by turns, the user first. */
export function conversation(...contents: readonly string[]): { readonly messages: readonly ChatTurn[] } {
  return { messages: contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })) };
}
