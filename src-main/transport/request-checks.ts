/**
 * @file Who may talk to the loopback server: pages that it served itself, in a browser on this machine, opened with the token of this
 * start. Host and Origin keep out foreign pages and names that were made to point here (DNS rebinding); the token keeps out all else.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SOCKET_PROTOCOL, TOKEN_HEADER, TOKEN_PROTOCOL_PREFIX } from '../../src-shared/contract/socket-channel.ts';

export interface RequestChecks {
  isOwnHost(request: IncomingMessage): boolean;
  /** False too where a request names no origin: browsers name it whenever it matters. */
  isOwnOrigin(request: IncomingMessage): boolean;
  hasTokenHeader(request: IncomingMessage): boolean;
  /** A page of the browser can set no header of a WebSocket but its protocols. */
  hasTokenProtocol(request: IncomingMessage): boolean;
}

export function createRequestChecks(port: number, token: string): RequestChecks {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const origins = hosts.map((host) => `http://${host}`);
  return {
    isOwnHost: ({ headers }) => hosts.includes(headers.host ?? ''),
    isOwnOrigin: ({ headers }) => origins.includes(headers.origin ?? ''),
    hasTokenHeader({ headers }) {
      const given = headers[TOKEN_HEADER];
      return typeof given === 'string' && isEqual(given, token);
    },
    hasTokenProtocol({ headers }) {
      const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
      const given = offered.find((name) => name.startsWith(TOKEN_PROTOCOL_PREFIX)) ?? '';
      return offered.includes(SOCKET_PROTOCOL) && isEqual(given.slice(TOKEN_PROTOCOL_PREFIX.length), token);
    },
  };
}

/** In the same time however much of it is right. */
function isEqual(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
