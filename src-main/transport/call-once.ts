/**
 * @file A call that a window sends again after its connection broke is done once: the id finds the outcome of the first sending.
 */
import { type CallMessage, type ReplyMessage, windowOf } from '../../src-shared/contract/messages.ts';
import type { Core } from './core.ts';

/** How long an outcome is kept for a window that may ask again. */
const KEEP_MS = 30_000;
const KEPT_OUTCOMES = 200;

/** @returns answers calls, each id once */
export function createCallOnce(core: Pick<Core, 'call'>): (message: CallMessage) => Promise<ReplyMessage> {
  const replies = new Map<string, Promise<ReplyMessage>>();
  return (message) => {
    const { id, method, args } = message;
    const known = replies.get(id);
    if (known) return known;
    const reply = core
      .call(method, args, windowOf(message))
      .then((outcome): ReplyMessage => ({ type: 'reply', id, outcome }));
    replies.set(id, reply);
    void reply.then(() => {
      setTimeout(() => replies.delete(id), KEEP_MS).unref();
      const [oldest] = replies.keys();
      if (replies.size > KEPT_OUTCOMES && oldest !== undefined) replies.delete(oldest);
    });
    return reply;
  };
}

/** @returns null where a received text is no call */
export function readCall(value: unknown): CallMessage | null {
  if (typeof value !== 'object' || value === null) return null;
  const { type, id, method, args } = value as Record<string, unknown>;
  if (type !== 'call' || typeof id !== 'string' || typeof method !== 'string' || id.length > 100) return null;
  return { type, id, method, args };
}
