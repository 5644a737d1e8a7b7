/**
 * @file Which proxy a request goes through, and the tunnel for encrypted ones. Node's fetch takes a proxy from the environment at start
 * alone; ours may come from the settings.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';

export interface ProxySettings {
  /** Proxy for http: and for https: addresses, null = none. */
  readonly http: string | null;
  readonly https: string | null;
  /** Hosts that are reached without: `NO_PROXY`. */
  readonly except: readonly string[];
}

export const NO_PROXIES: ProxySettings = { http: null, https: null, except: [] };

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** As curl reads the environment: small letters first, `ALL_PROXY` for what has no own. */
export function readProxies(env: NodeJS.ProcessEnv): ProxySettings {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || null;
  const all = read('all_proxy');
  const except = (read('no_proxy') ?? '').split(/[\s,]+/).filter(Boolean);
  return { http: read('http_proxy') ?? all, https: read('https_proxy') ?? all, except };
}

/** @returns the proxy for an address, null where it is reached without one */
export function chooseProxy(url: URL, { http, https, except }: ProxySettings): URL | null {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === null || except.some((entry) => matchesHost(url, entry))) return null;
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`);
}

/** What goes into `Proxy-Authorization`; nothing where the proxy's address names nobody. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Asks a proxy for a way through to the target's host. @throws where it cannot be reached or refuses */
export function openTunnel(proxy: URL, target: URL, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  const place = `${target.hostname}:${portOf(target)}`;
  return new Promise((resolve, reject) => {
    const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = send({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(proxy),
      method: 'CONNECT',
      path: place,
      headers: { host: place, ...proxyAuthorization(proxy) },
      agent: false,
      ...(signal && { signal }),
    });
    asking.setTimeout(timeoutMs, () => asking.destroy(new Error(`the proxy ${proxy.host} did not answer`)));
    asking.on('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} refused with status ${response.statusCode}`));
    });
    asking.on('response', (response) => {
      response.destroy();
      reject(new Error(`the proxy ${proxy.host} refused with status ${response.statusCode}`));
    });
    asking.on('error', reject);
    asking.end();
  });
}

export function portOf({ port, protocol }: URL): string {
  return port || DEFAULT_PORTS[protocol] || '80';
}

/** `*`, `host`, `.domain`, `*.domain`, each perhaps with a port. */
function matchesHost(url: URL, entry: string): boolean {
  if (entry === '*') return true;
  const [, host = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  if (port !== undefined && port !== portOf(url)) return false;
  return url.hostname === host || url.hostname.endsWith(`.${host}`);
}
