/**
 * @file Core's end towards Electron's main process: the messages of the contract over the fork's channel (JSON), and three of main's own.
 */
import { type CallMessage, type FromCore, windowOf } from '../../src-shared/contract/messages.ts';
import { readCall } from './call-once.ts';
import type { Core } from './core.ts';

/** What main says besides passing on calls. */
export type FromParent =
  | CallMessage
  /** The person chose this path in a dialog, or dropped it on the window. */
  | { readonly type: 'allowPath'; readonly path: string }
  /** A window was closed, has crashed or was loaded anew. */
  | { readonly type: 'windowLeft'; readonly window: string }
  /** Pause what is at work and end. */
  | { readonly type: 'close' };

export interface ParentChannel {
  send(message: FromCore): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** Serves one parent until it says `close`; then calls `onClose`. */
export function serveParent(core: Core, channel: ParentChannel, onClose: () => void): void {
  core.onPush((message) => channel.send(message));
  channel.onMessage((message) => {
    const call = readCall(message);
    if (call) {
      const reply = core.call(call.method, call.args, windowOf(call));
      void reply.then((outcome) => channel.send({ type: 'reply', id: call.id, outcome }));
      return;
    }
    const own = message as Exclude<FromParent, CallMessage>;
    if (own.type === 'allowPath') core.allowPath(own.path);
    if (own.type === 'windowLeft') core.windowLeft(own.window);
    if (own.type === 'close') onClose();
  });
  channel.send(core.hello);
}
