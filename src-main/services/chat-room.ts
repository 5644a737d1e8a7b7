/**
 * @file Room for chats: a training is paused when the first of them wants the memory, and goes on soon after the last is closed; another
 * model may be chosen in that moment. A run that is started meanwhile closes them.
 */
import type { ChatService } from './chat-service.ts';
import type { DeviceLoans } from './device-loans.ts';

export interface ChatRoom {
  /** Answers when the training is paused and its memory free; asked twice it pauses once. @throws what pausing throws */
  make(): Promise<void>;
  /** Call it when a chat has ended. */
  look(): void;
}

/** Loading another model takes longer than asking for it. */
const LINGER_MS = 1_500;

export function createChatRoom(
  chats: Pick<ChatService, 'list' | 'closeAll'>,
  lend: (...args: Parameters<DeviceLoans['lend']>) => Promise<unknown>,
): ChatRoom {
  let made: Promise<void> | null = null;
  let leave = (): void => {};
  const leaveIfEmpty = (): void => {
    if (made !== null && chats.list().length === 0) leave();
  };

  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = { pauseRunning: true, signal: new AbortController().signal };
      const stay = (wanted: AbortSignal): Promise<void> =>
        new Promise((left) => {
          leave = left;
          wanted.addEventListener('abort', () => void chats.closeAll().finally(left));
          resolve();
        });
      lend(options, stay)
        .catch(reject)
        .finally(() => (made = null));
    });
  }

  return {
    make: () => (made ??= open()),
    look() {
      if (made !== null) setTimeout(leaveIfEmpty, LINGER_MS);
    },
  };
}
