/**
 * @file Channel over a WebSocket that connects again by itself, with growing pauses. The socket class and the clock come from outside,
 * so the same code runs in the browser and in tests.
 */
import type { Channel } from './client.ts';
import type { FromCore } from './messages.ts';

/** The part of a WebSocket that is used. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
}

export interface SocketChannelOptions {
  /** Opens one connection; called again after each end. */
  readonly open: () => SocketLike;
  /** `setTimeout`. */
  readonly later: (work: () => void, ms: number) => void;
}

export const SOCKET_PATH = '/contract';
/** First of the two protocols that a client offers; the second is `token.<token>`. */
export const SOCKET_PROTOCOL = 'tunesmith';
export const TOKEN_PROTOCOL_PREFIX = 'token.';
/** POST of a data file: `?name=<file name>`, body = its bytes, header below. Answers an Outcome<UploadedFile> as JSON. */
export const UPLOAD_PATH = '/upload';
export const TOKEN_HEADER = 'x-tunesmith-token';
/** The page is opened as `/#token=<token>`: a fragment is not sent to servers nor kept in their logs. */
export const TOKEN_FRAGMENT = 'token';

/** Where an uploaded file lies now; give the path to `data:inspect`. */
export interface UploadedFile {
  readonly path: string;
  readonly name: string;
  readonly size_bytes: number;
}

const OPEN = 1;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

export function createSocketChannel({ open, later }: SocketChannelOptions): Channel {
  let socket: SocketLike | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  let isClosed = false;
  let receiver: Parameters<Channel['listen']>[0] | null = null;

  function connect(): void {
    if (isClosed) return;
    const opened = open();
    socket = opened;
    opened.addEventListener('message', ({ data }) => {
      pauseMs = FIRST_PAUSE_MS;
      receiver?.take(JSON.parse(String(data)) as FromCore);
    });
    // `close` follows every `error`.
    opened.addEventListener('error', () => {});
    opened.addEventListener('close', () => {
      if (socket !== opened) return;
      socket = null;
      receiver?.broken();
      later(connect, pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }

  return {
    send(message) {
      if (socket?.readyState === OPEN) socket.send(JSON.stringify(message));
    },
    listen(given) {
      receiver = given;
      connect();
    },
    close() {
      isClosed = true;
      socket?.close();
    },
  };
}
