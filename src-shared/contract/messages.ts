/**
 * @file What crosses between window and core, as JSON. A connection begins with `hello` from core.
 */
import type { Outcome } from './outcome.ts';
import type { PushEvents, PushName } from './events.ts';

/** Where this window lives, and who answers. */
export interface Hello {
  readonly type: 'hello';
  /** Another one after core was restarted: calls that were open then are lost. */
  readonly boot: string;
  readonly host: 'desktop' | 'browser';
  /** Version of Tunesmith. */
  readonly version: string;
  readonly platform: string;
  /** Folder with runs, exports and history. */
  readonly home: string;
}

export interface CallMessage {
  readonly type: 'call';
  /** `<window>.<number>`; a call that is sent again after a lost connection keeps its id and is done once. */
  readonly id: string;
  readonly method: string;
  readonly args: unknown;
}

/** The window that made a call: the same after a lost connection, another after it was loaded anew. */
export function windowOf({ id }: CallMessage): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('.')));
}

export interface ReplyMessage {
  readonly type: 'reply';
  readonly id: string;
  readonly outcome: Outcome<unknown>;
}

export type PushMessage = {
  [Name in PushName]: { readonly type: 'push'; readonly event: Name; readonly payload: PushEvents[Name] };
}[PushName];

/** Core ended and is not started again; said by what watches it. */
export interface LostMessage {
  readonly type: 'lost';
  readonly reason: string;
}

export type FromCore = Hello | ReplyMessage | PushMessage | LostMessage;
export type ToCore = CallMessage;
