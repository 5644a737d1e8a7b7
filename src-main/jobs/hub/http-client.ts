/**
 * @file One HTTP request: through a proxy where there is one, following redirects, given up where nothing moves.
 *
 * Secrets go only to the origin that the request was made for: a redirect to another host loses `authorization`.
 */
import { type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { chooseProxy, openTunnel, proxyAuthorization, type ProxySettings } from './proxy.ts';

export interface HttpOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly proxies: ProxySettings;
  /** Longest silence, milliseconds. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it came from in the end. */
  readonly url: URL;
  /** Read it to its end, or destroy it. */
  readonly body: IncomingMessage;
  /** Headers of the answers that led here, the first one first. */
  readonly redirects: readonly Readonly<Record<string, string>>[];
}

const MOST_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];

/** @throws whatever the network gives; answers of any status are answers */
export async function sendRequest(address: string, options: HttpOptions): Promise<HttpAnswer> {
  let url = new URL(address);
  let headers = { ...options.headers };
  const redirects: Record<string, string>[] = [];
  for (;;) {
    const body = await exchange(url, { ...options, headers });
    const answer = { status: body.statusCode ?? 0, headers: flatten(body), url, body, redirects };
    const { location } = answer.headers;
    if (!REDIRECTS.includes(answer.status) || location === undefined) return answer;
    body.resume();
    redirects.push(answer.headers);
    if (redirects.length > MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new Error('the server redirects to an address that is not encrypted');
    }
    if (next.origin !== url.origin) {
      const { authorization: _secret, ...rest } = headers;
      headers = rest;
    }
    url = next;
  }
}

/** The whole body as text. @throws beyond the limit */
export async function readText({ body }: HttpAnswer, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      body.destroy();
      throw new Error(`the answer is longer than ${mostBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (!body.complete) throw new Error('the connection broke before the answer was whole');
  return Buffer.concat(chunks).toString('utf8');
}

async function exchange(url: URL, options: HttpOptions): Promise<IncomingMessage> {
  const { method = 'GET', body, proxies, idleMs, signal } = options;
  const proxy = chooseProxy(url, proxies);
  const isEncrypted = url.protocol === 'https:';
  const common: RequestOptions = { method, headers: { ...options.headers }, ...(signal && { signal }) };
  const way = proxy === null ? {} : isEncrypted ? await throughTunnel(proxy, url, options) : throughProxy(proxy, url);
  return new Promise((resolve, reject) => {
    const target = proxy !== null && !isEncrypted ? proxy : url;
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const merged = { ...common, ...way, headers: { ...common.headers, ...way.headers } };
    const asking = send(target, merged, resolve);
    asking.setTimeout(idleMs, () => asking.destroy(new Error(`nothing came for ${Math.round(idleMs / 1000)} s`)));
    asking.on('error', reject);
    asking.end(body);
  });
}

interface Way extends RequestOptions {
  readonly headers?: Record<string, string>;
}

async function throughTunnel(proxy: URL, url: URL, { idleMs, signal }: HttpOptions): Promise<Way> {
  const socket = await openTunnel(proxy, url, idleMs, signal);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secured = connectTls({ socket, ...(isIP(host) ? { host } : { servername: host }) });
  return { createConnection: () => secured };
}

/** An address that is not encrypted is asked of the proxy itself, whole. */
function throughProxy(proxy: URL, url: URL): Way {
  return { path: url.href, headers: { host: url.host, ...proxyAuthorization(proxy) } };
}

function flatten({ headers }: IncomingMessage): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined)) as Record<string, string>;
}
