/**
 * @file Short messages at the foot of the window: what was done, with Undo where it can be undone, and failures that have no place of
 * their own.
 */
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import { isCancelled, toFailure } from './failure.ts';

export interface Message {
  readonly id: number;
  readonly text: string;
  readonly failure: PlainError | null;
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const SHOWN_MS = 8_000;
const MOST_SHOWN = 4;

export class Messages {
  list = $state.raw<readonly Message[]>([]);
  #count = 0;

  tell(text: string, action: Message['action'] = null): void {
    this.#add({ id: ++this.#count, text, failure: null, action }, SHOWN_MS);
  }

  /** Failures stay until they are put away. */
  fail(error: unknown): void {
    const failure = toFailure(error);
    if (!isCancelled(failure)) this.#add({ id: ++this.#count, text: failure.message, failure, action: null }, null);
  }

  /** Does the work, and tells where it fails. @returns undefined after a failure */
  async attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  dismiss(id: number): void {
    this.list = this.list.filter((message) => message.id !== id);
  }

  #add(message: Message, shownMs: number | null): void {
    this.list = [...this.list, message].slice(-MOST_SHOWN);
    if (shownMs !== null) setTimeout(() => this.dismiss(message.id), shownMs);
  }
}
