/**
 * @file The loopback server: who may talk to it, what it serves, and windows that lose their connection.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SOCKET_PATH } from '../../src-shared/contract/socket-channel.ts';
import { makeFolder } from '../unit/jobs/support/start-fake.ts';
import { type OpenBrowser, openBrowser, until } from './support/open-contract.ts';

let home = '';
let browser: OpenBrowser;

beforeAll(async () => {
  home = makeFolder();
  browser = await openBrowser(home);
});
afterAll(async () => {
  await browser.close();
  rmSync(home, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Plain HTTP, because `fetch` does not let a test lie about its host. */
function ask(urlPath: string, options: { method?: string; headers?: object; body?: string } = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body = '' } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: browser.port, path: urlPath, method, headers: { ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** @returns the status with which the server refuses, or 101 */
function upgrade(protocols: string[], headers: Record<string, string>, urlPath = SOCKET_PATH): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${browser.port}${urlPath}`, protocols, { headers });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {});
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
  });
}

const own = () => `http://127.0.0.1:${browser.port}`;
const right = () => ['tunesmith', `token.${browser.token}`];

describe('a connection', () => {
  it('needs the token of this start', async () => {
    expect(await upgrade(right(), { origin: own() })).toBe(101);
    expect(await upgrade(['tunesmith'], { origin: own() })).toBe(401);
    expect(await upgrade(['tunesmith', 'token.'], { origin: own() })).toBe(401);
    expect(await upgrade(['tunesmith', `token.${browser.token.slice(1)}x`], { origin: own() })).toBe(401);
    expect(await upgrade([`token.${browser.token}`], { origin: own() })).toBe(401);
  });

  it('is refused to foreign pages and foreign names', async () => {
    expect(await upgrade(right(), {})).toBe(403);
    expect(await upgrade(right(), { origin: 'https://example.org' })).toBe(403);
    expect(await upgrade(right(), { origin: `http://127.0.0.1:${browser.port + 1}` })).toBe(403);
    expect(await upgrade(right(), { origin: 'null' })).toBe(403);
    expect(await upgrade(right(), { origin: own(), host: 'rebound.example.org' })).toBe(403);
    expect(await upgrade(right(), { origin: own() }, '/elsewhere')).toBe(404);
  });

  it('ends at a message that is no call', async () => {
    const socket = new WebSocket(`${own().replace('http', 'ws')}${SOCKET_PATH}`, right(), { origin: own() });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('open', () => socket.send('{"type": "evil"}'));
    await closed;
  });
});

describe('the page', () => {
  it('comes with a policy that runs no foreign and no inline script', async () => {
    const { status, headers, body } = await ask('/');
    expect(status).toBe(200);
    expect(body).toContain('test page');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });

  it('has nothing outside of its folder', async () => {
    expect((await ask('/assets/app-1234.js')).status).toBe(200);
    for (const name of [
      '/../both-transports.test.ts',
      '/%2e%2e/socket-server.test.ts',
      '/..%2f..%2f..%2fpackage.json',
    ]) {
      expect((await ask(name)).status, name).toBe(404);
    }
    expect((await ask('/assets/')).status).toBe(404);
    expect((await ask('/%00')).status).toBe(404);
    expect((await ask('/%')).status).toBe(404);
  });

  it('is not given under a foreign name, nor to anything but GET', async () => {
    expect((await ask('/', { headers: { host: 'rebound.example.org' } })).status).toBe(403);
    expect((await ask('/', { method: 'POST' })).status).toBe(405);
    expect((await ask('/', { method: 'HEAD' })).body).toBe('');
  });
});

describe('an upload', () => {
  const upload = (name: string, body: string, headers: object = {}) =>
    ask(`/upload?name=${encodeURIComponent(name)}`, {
      method: 'POST',
      body,
      headers: { origin: own(), 'x-tunesmith-token': browser.token, 'content-length': body.length, ...headers },
    });

  it('is kept under its name, and may be looked through', async () => {
    const { status, body } = await upload('rows.jsonl', '{"text": "one"}\n');
    expect(status).toBe(200);
    const { value } = JSON.parse(body);
    expect(value).toMatchObject({ name: 'rows.jsonl', size_bytes: 16 });
    expect(readFileSync(value.path, 'utf8')).toBe('{"text": "one"}\n');
    const started = await browser.client.call('data:inspect', { train: [value.path] });
    expect(await browser.client.follow(started)).toMatchObject({ rows: 1 });
  });

  it('keeps names of every kind, shortened to what a file system takes', async () => {
    for (const name of [`what's new? 100% #1 & <more>.csv`, `${'長'.repeat(120)}.csv`]) {
      const { status, body } = await upload(name, 'a,b\n');
      expect(status, name).toBe(200);
      const { value } = JSON.parse(body);
      expect(value.name).toBe(name);
      expect(path.extname(value.path)).toBe('.csv');
      expect(readFileSync(value.path, 'utf8')).toBe('a,b\n');
    }
  });

  it('is refused without token, from elsewhere, and under names that lead elsewhere', async () => {
    expect((await upload('rows.jsonl', 'x', { 'x-tunesmith-token': 'wrong' })).status).toBe(403);
    expect((await upload('rows.jsonl', 'x', { origin: 'https://example.org' })).status).toBe(403);
    for (const name of ['../rows.jsonl', 'a/b', '..', '', '.hidden', 'a\\b', 'a\nb', 'x'.repeat(300)]) {
      const { status, body } = await upload(name, 'x');
      expect(status, name).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ ok: false, error: { code: 'upload/bad-name' } });
    }
    expect(existsSync(path.join(home, 'rows.jsonl'))).toBe(false);
  });
});

describe('a window that loses its connection', () => {
  it('connects again, gets what it had asked for once, and is told to read anew', async () => {
    const { client } = browser;
    let restarts = 0;
    const seen: string[] = [];
    client.onRestart(() => restarts++);
    client.onStatus((status) => seen.push(status));
    const before = (await client.call('queue:get', {})).items.length;
    await client.call('queue:hold', {});
    const config = { model: { path: home }, data: { train: [path.join(home, 'rows.jsonl')] } };
    const added = client.call('queue:add', { config: { ...config, quantization: {}, peft: {}, training: {} } });
    browser.breakConnection();
    expect((await added).items).toHaveLength(before + 1);
    expect((await client.call('queue:get', {})).items).toHaveLength(before + 1);
    await until(() => restarts === 1 || null);
    expect(seen).toEqual(['reconnecting', 'ready']);
  });
});
