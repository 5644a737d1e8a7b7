/**
 * @file Browser mode: the window's files and the contract over a WebSocket, on the loopback address only.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { failWith, succeed } from '../../src-shared/contract/outcome.ts';
import { type FromCore, windowOf } from '../../src-shared/contract/messages.ts';
import { SOCKET_PATH, SOCKET_PROTOCOL, TOKEN_FRAGMENT, UPLOAD_PATH } from '../../src-shared/contract/socket-channel.ts';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { createCallOnce, readCall } from './call-once.ts';
import type { Core } from './core.ts';
import { readPageFile } from './page-files.ts';
import { createRequestChecks, type RequestChecks } from './request-checks.ts';
import { contentPolicy, securityHeaders } from './security-headers.ts';
import { watchWindows, type WindowWatch } from './watch-windows.ts';

export interface SocketServerOptions {
  readonly core: Core;
  /** Folder of the built window. */
  readonly pages: string;
  /** 0 = any free one. */
  readonly port: number;
  /** How long a window whose connection broke may take to come back. */
  readonly graceMs?: number;
}

export interface SocketServer {
  readonly port: number;
  /** Opens the window, with this start's token. */
  readonly url: string;
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
const TOKEN_BYTES = 32;
const MAX_MESSAGE_BYTES = 16e6;
/** A window that does not read is let go; when it comes back it reads everything anew. */
const MAX_UNSENT_BYTES = 64e6;
const PING_EVERY_MS = 20_000;
/** A page tries again every few seconds; one that was loaded anew or has crashed never does. */
const GRACE_MS = 15_000;

/** @throws serve/port-taken */
export async function startSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { core, pages, port: wanted, graceMs = GRACE_MS } = options;
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const server = createServer();
  const port = await listen(server, wanted);
  const checks = createRequestChecks(port, token);
  const headers = securityHeaders(contentPolicy([`ws://${ADDRESS}:${port}`, `ws://localhost:${port}`]));
  const site: Site = { core, pages, checks, headers };
  server.on('request', (request, response) => void answer(site, request, response));
  const sockets = acceptSockets(
    server,
    core,
    checks,
    watchWindows(graceMs, (window) => core.windowLeft(window)),
  );
  return {
    port,
    url: `http://${ADDRESS}:${port}/#${TOKEN_FRAGMENT}=${token}`,
    async close() {
      sockets.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Site {
  readonly core: Core;
  readonly pages: string;
  readonly checks: RequestChecks;
  readonly headers: Readonly<Record<string, string>>;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error);
      const hint = 'Choose another one with --port, or leave it out.';
      reject(new AppError('serve/port-taken', `Port ${port} cannot be used`, { kind: 'environment', hint }));
    });
    server.listen(port, ADDRESS, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', `http://${ADDRESS}`);
  const { checks } = site;
  if (!checks.isOwnHost(request)) return end(site, response, 403, 'Not for this name.');
  if (pathname === UPLOAD_PATH) {
    if (request.method !== 'POST') return end(site, response, 405, 'POST only.');
    if (!checks.isOwnOrigin(request) || !checks.hasTokenHeader(request)) {
      return end(site, response, 403, 'Open the link that Tunesmith printed.');
    }
    return takeUpload(site, request, response, searchParams.get('name') ?? '');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(site, response, 405, 'GET only.');
  const file = await readPageFile(site.pages, pathname);
  if (!file) {
    if (pathname !== '/') return end(site, response, 404, 'Not found.');
    return end(site, response, 503, 'The window is not built yet: run `npm start`.');
  }
  const cacheControl = file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-store';
  const about = { 'content-type': file.type, 'cache-control': cacheControl, 'content-length': file.content.length };
  response.writeHead(200, { ...site.headers, ...about });
  response.end(request.method === 'HEAD' ? undefined : file.content);
}

async function takeUpload(site: Site, request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
  const sizeBytes = Number(request.headers['content-length'] ?? NaN);
  const outcome = await site.core.takeUpload(name, sizeBytes, request).then(succeed, failWith);
  response.writeHead(outcome.ok ? 200 : 400, { ...site.headers, 'content-type': 'application/json' });
  response.end(JSON.stringify(outcome));
}

function end({ headers }: Site, response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${message}\n`);
}

function acceptSockets(server: Server, core: Core, checks: RequestChecks, windows: WindowWatch): { close(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => SOCKET_PROTOCOL,
  });
  const callOnce = createCallOnce(core);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { pathname } = new URL(request.url ?? '/', `http://${ADDRESS}`);
    if (pathname !== SOCKET_PATH) return refuse(socket, '404 Not Found');
    if (!checks.isOwnHost(request) || !checks.isOwnOrigin(request)) return refuse(socket, '403 Forbidden');
    if (!checks.hasTokenProtocol(request)) return refuse(socket, '401 Unauthorized');
    sockets.handleUpgrade(request, socket, head, (opened) => serveSocket(opened, core, callOnce, windows.connect()));
  });
  return {
    close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      windows.close();
    },
  };
}

function serveSocket(
  socket: WebSocket,
  core: Core,
  callOnce: ReturnType<typeof createCallOnce>,
  windows: ReturnType<WindowWatch['connect']>,
): void {
  const send = (message: FromCore) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) return socket.terminate();
    socket.send(JSON.stringify(message));
  };
  const stopPushes = core.onPush(send);
  const stopPings = keepAlive(socket);
  socket.on('close', () => {
    stopPushes();
    stopPings();
    windows.broke();
  });
  // `close` follows.
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    const call = isBinary ? null : readCall(parseJson(textOf(data)));
    if (!call) return socket.terminate();
    windows.carries(windowOf(call));
    void callOnce(call).then(send);
  });
  send(core.hello);
}

/** A browser that vanished without a word (sleep, a lost connection) is noticed by its silence. */
function keepAlive(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_EVERY_MS);
  return () => clearInterval(timer);
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Whole messages come as one buffer, unless `binaryType` says otherwise. */
function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
