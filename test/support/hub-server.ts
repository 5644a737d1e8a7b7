/**
 * @file A hub on loopback: search, model info, list of files, and files by a redirect to a storage server of another origin, with ranges.
 * It misbehaves as it is told to.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubModelFiles {
  /** `maker/name`. */
  readonly id: string;
  readonly files: Readonly<Record<string, Buffer | string>>;
  readonly gated?: boolean;
  readonly licence?: string;
  /** What the list says of a file in place of the truth. */
  readonly listed?: Readonly<Record<string, { readonly sha256?: string; readonly size?: number }>>;
  readonly downloads?: number;
}

/** One answer of the storage server; what is left out is as it should be. */
export interface Behaviour {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection breaks after so many bytes of the answer. */
  readonly cutAfter?: number;
  /** Says nothing, or nothing more after `cutAfter` bytes. */
  readonly hangs?: boolean;
  /** Bytes in place of the file's. */
  readonly content?: Buffer;
  /** Sends so many bytes at a time with a pause between. */
  readonly slowly?: { readonly bytes: number; readonly pauseMs: number };
  /** The whole file, whatever range was asked for. */
  readonly ignoresRange?: boolean;
}

export interface SeenRequest {
  readonly path: string;
  readonly server: 'hub' | 'storage';
  readonly range: string | null;
  readonly authorization: string | null;
}

export interface HubServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** How the next answers of the hub itself are; null = as they should be. */
  onHub: (path: string, request: IncomingMessage) => Behaviour | null;
  /** How a file is answered. */
  onFile: (name: string, fromByte: number) => Behaviour | null;
  add(model: HubModelFiles): void;
  close(): Promise<void>;
}

const LFS_LIMIT = 4_000;
const JSON_TYPE = { 'content-type': 'application/json' };

export function commitOf({ id, files }: HubModelFiles): string {
  const hash = createHash('sha1').update(id);
  for (const [name, content] of Object.entries(files)) hash.update(name).update(content);
  return hash.digest('hex');
}

export async function startHub(): Promise<HubServer> {
  const models = new Map<string, HubModelFiles>();
  const seen: SeenRequest[] = [];
  const storage = await listen((request, response) => serveStorage(request, response));
  const hub = await listen((request, response) => serveHub(request, response));
  const [hubUrl, storageUrl] = [urlOf(hub), urlOf(storage)];
  const server: HubServer = {
    url: hubUrl,
    seen,
    onHub: () => null,
    onFile: () => null,
    add: (model) => void models.set(model.id, model),
    async close() {
      for (const each of [hub, storage]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
    },
  };

  function note(request: IncomingMessage, name: SeenRequest['server']): URL {
    const url = new URL(request.url ?? '/', hubUrl);
    const { range = null, authorization = null } = request.headers;
    seen.push({ path: url.pathname, server: name, range, authorization });
    return url;
  }

  function serveHub(request: IncomingMessage, response: ServerResponse): void {
    const url = note(request, 'hub');
    const behaviour = server.onHub(url.pathname, request);
    if (behaviour) return misbehave(response, behaviour);
    const [, api, rest = ''] = /^\/(api\/models|[^?]*?\/resolve)?\/?(.*)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/api/models') return sendJson(response, search(url.searchParams));
    if (api === 'api/models') return serveApi(response, rest);
    return serveResolve(response, url);
  }

  function search(parameters: URLSearchParams): object[] {
    const words = (parameters.get('search') ?? '').toLowerCase();
    const found = [...models.values()].filter(({ id }) => id.toLowerCase().includes(words));
    return found.slice(0, Number(parameters.get('limit') ?? 100)).map(describe);
  }

  function describe(model: HubModelFiles): object {
    const { id, files, gated = false, licence = 'apache-2.0', downloads = 12 } = model;
    const config = files['config.json'] ? (JSON.parse(String(files['config.json'])) as object) : {};
    const weights = Object.entries(files).filter(([name]) => name.endsWith('.safetensors'));
    const count = weights.reduce((sum, [, content]) => sum + content.length / 2, 0);
    return {
      _id: id,
      id,
      sha: commitOf(model),
      private: false,
      gated: gated ? 'manual' : false,
      downloads,
      likes: 3,
      lastModified: '2025-01-01T00:00:00.000Z',
      pipeline_tag: 'text-generation',
      cardData: { license: licence },
      tags: [`license:${licence}`],
      config,
      siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
      ...(count > 0 && { safetensors: { parameters: { BF16: count }, total: count } }),
    };
  }

  function serveApi(response: ServerResponse, rest: string): void {
    const [, id = '', what = '', revision = ''] = /^(.+?)\/(revision|tree)\/([^/]+)$/.exec(rest) ?? [];
    const model = models.get(id);
    if (!model) return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    if (![commitOf(model), 'main', 'HEAD'].includes(decodeURIComponent(revision))) {
      return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    }
    return sendJson(response, what === 'tree' ? listTree(model) : describe(model));
  }

  function listTree({ files, listed = {} }: HubModelFiles): object[] {
    const entries = Object.entries(files).map(([path, content]) => {
      const bytes = Buffer.from(content);
      const size = listed[path]?.size ?? bytes.length;
      const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      if (!isLarge(path, bytes)) return { type: 'file', oid: git, size, path };
      const oid = listed[path]?.sha256 ?? createHash('sha256').update(bytes).digest('hex');
      return { type: 'file', oid: '0'.repeat(40), size, path, lfs: { oid, size, pointerSize: 134 } };
    });
    return [{ type: 'directory', oid: '1'.repeat(40), size: 0, path: 'onnx' }, ...entries];
  }

  function serveResolve(response: ServerResponse, url: URL): void {
    const [, id = '', revision = '', name = ''] = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    const model = models.get(id);
    const content = model?.files[decodeURIComponent(name)];
    if (!model) return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    if (content === undefined) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    const target = `${storageUrl}/${encodeURIComponent(id)}/${revision}/${name}?signature=abc`;
    response.writeHead(302, { location: target, 'x-repo-commit': commitOf(model) });
    response.end();
  }

  function serveStorage(request: IncomingMessage, response: ServerResponse): void {
    const url = note(request, 'storage');
    const [, id = '', , name = ''] = url.pathname.split('/').map(decodeURIComponent);
    const stored = Buffer.from(models.get(id)?.files[name] ?? '');
    const [, start = '0'] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
    const behaviour = server.onFile(name, Number(start)) ?? {};
    if (behaviour.status !== undefined) return misbehave(response, behaviour);
    const whole = behaviour.content ?? stored;
    const from = behaviour.ignoresRange ? 0 : Number(start);
    const body = whole.subarray(from);
    const isRange = from > 0;
    response.writeHead(isRange ? 206 : 200, {
      'content-length': String(body.length),
      ...(isRange && { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }),
    });
    void sendBody(response, body, behaviour);
  }

  return server;
}

async function sendBody(response: ServerResponse, body: Buffer, { cutAfter, hangs, slowly }: Behaviour): Promise<void> {
  const sent = cutAfter === undefined ? body : body.subarray(0, cutAfter);
  if (slowly) {
    for (let at = 0; at < sent.length && !response.destroyed; at += slowly.bytes) {
      response.write(sent.subarray(at, at + slowly.bytes));
      await new Promise((resolve) => setTimeout(resolve, slowly.pauseMs));
    }
  } else if (sent.length > 0) {
    await new Promise((resolve) => response.write(sent, resolve));
  }
  if (hangs) return;
  if (cutAfter !== undefined && cutAfter < body.length) {
    // What was written goes out before the connection breaks.
    setTimeout(() => response.destroy(), 5);
  } else response.end();
}

function misbehave(response: ServerResponse, { status = 500, headers = {}, content, hangs }: Behaviour): void {
  if (hangs) return;
  response.writeHead(status, headers);
  response.end(content ?? '');
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { ...JSON_TYPE, 'x-error-code': code, 'x-error-message': message });
  response.end(JSON.stringify({ error: message }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, JSON_TYPE);
  response.end(JSON.stringify(value));
}

function isLarge(name: string, bytes: Buffer): boolean {
  return name.endsWith('.safetensors') || name.endsWith('.bin') || bytes.length > LFS_LIMIT;
}

async function listen(serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
