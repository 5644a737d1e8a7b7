import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHub } from '../../../../src-main/jobs/hub/hub-client.ts';
import { lookAtModel } from '../../../../src-main/jobs/hub/look-at-model.ts';
import { readRetryAfter } from '../../../../src-main/jobs/hub/hub-errors.ts';
import { chooseProxy, NO_PROXIES, openTunnel, readProxies } from '../../../../src-main/jobs/hub/proxy.ts';
import { searchModels } from '../../../../src-main/jobs/hub/search-models.ts';
import { loadConfigJudge } from '../../../../src-main/services/judge-config.ts';
import { shardedHubModel, tinyHubModel } from '../../../support/hub-models.ts';
import { commitOf, type HubServer, startHub } from '../../../support/hub-server.ts';
import { accessTo } from './support.ts';

const TOKEN = 'hf_secretsecret';
let hub: HubServer;
beforeEach(async () => {
  hub = await startHub();
});
afterEach(() => hub.close());

async function look(model: string, { token = null, revision }: { token?: string | null; revision?: string } = {}) {
  const judgeConfig = await loadConfigJudge();
  return lookAtModel(openHub(accessTo(hub, { token })), model, { judgeConfig, ...(revision && { revision }) });
}

async function failure(work: Promise<unknown>) {
  return work.then(
    () => null,
    (error: unknown) => error as { code: string; message: string; hint: string; faults: object[] },
  );
}

describe('a look at a model', () => {
  it('says what would be downloaded', async () => {
    const model = await shardedHubModel(2, 10_000);
    hub.add(model);
    const looked = await look(model.id);
    expect(looked).toMatchObject({ id: 'maker/large', revision: commitOf(model), model_type: 'llama', gated: false });
    expect(looked.files.map(({ name }) => name)).toContain('model-00002-of-00002.safetensors');
    expect(looked.files.find(({ name }) => name.endsWith('.safetensors'))?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses what cannot be used with every reason in one message, having read nothing large', async () => {
    const { files } = await tinyHubModel();
    const config = JSON.stringify({ ...(JSON.parse(String(files['config.json'])) as object), model_type: 'starfish' });
    hub.add({ id: 'maker/odd', files: { 'config.json': config, 'pytorch_model.bin': 'x', 'tokenizer.model': 'x' } });
    const error = await failure(look('maker/odd'));
    expect(error).toMatchObject({ code: 'model/not-usable' });
    expect(error?.message).toMatch(/starfish.*only tokenizer\.model.*pickle files/);
    expect(error?.faults).toHaveLength(3);
    expect(hub.seen.filter(({ server }) => server === 'storage').map(({ path: at }) => at.split('/').at(-1))).toEqual([
      'config.json',
    ]);
  });

  it('names what stands in place of safetensors', async () => {
    const { files } = await tinyHubModel();
    const { 'model.safetensors': _weights, ...rest } = files;
    hub.add({ id: 'maker/gguf', files: { ...rest, 'model.Q4_K.gguf': 'x' } });
    hub.add({ id: 'maker/adapter', files: { 'adapter_config.json': '{}', 'adapter_model.safetensors': 'x' } });
    expect((await failure(look('maker/gguf')))?.message).toContain('GGUF');
    expect((await failure(look('maker/adapter')))?.message).toContain('adapter');
  });

  it('of a gated model says what to do, with and without a token', async () => {
    const model = await tinyHubModel('maker/gated', { gated: true });
    hub.add(model);
    const refuse = (status: number) => ({
      status,
      headers: { 'x-error-code': 'GatedRepo', 'x-error-message': `Access to ${TOKEN} restricted` },
    });
    hub.onHub = (at, { headers }) => {
      if (!at.includes('/resolve/')) return null;
      return headers.authorization === 'Bearer hf_good' ? null : refuse(headers.authorization ? 403 : 401);
    };
    const without = await failure(look(model.id));
    expect(without).toMatchObject({ code: 'hub/gated' });
    expect(without?.hint).toContain(`${hub.url}/maker/gated`);
    expect(without?.hint).toContain('HF_TOKEN');
    const refused = await failure(look(model.id, { token: TOKEN }));
    expect(refused).toMatchObject({ code: 'hub/gated' });
    expect(JSON.stringify(refused)).not.toContain(TOKEN);
    hub.seen.length = 0;
    await look(model.id, { token: 'hf_good' });
    expect(hub.seen.filter(({ server }) => server === 'hub').every(({ authorization }) => authorization)).toBe(true);
    expect(hub.seen.filter(({ server }) => server === 'storage').every(({ authorization }) => !authorization)).toBe(
      true,
    );
  });

  it('tells a name that is wrong from a revision that is wrong, and from a token that is', async () => {
    hub.add(await tinyHubModel());
    expect(await failure(look('maker/none'))).toMatchObject({ code: 'hub/not-found' });
    expect(await failure(look('maker/tiny', { revision: 'v9' }))).toMatchObject({ code: 'hub/revision-not-found' });
    expect(await failure(look('../etc/passwd'))).toMatchObject({ code: 'hub/bad-name' });
    hub.onHub = () => ({ status: 401 });
    expect(await failure(look('maker/tiny', { token: TOKEN }))).toMatchObject({ code: 'hub/token-refused' });
    expect(await failure(look('maker/tiny'))).toMatchObject({ code: 'hub/token-needed' });
  });

  it('waits as long as a busy hub asks for, and not for ever', async () => {
    hub.add(await tinyHubModel());
    let times = 0;
    hub.onHub = () => (times++ < 2 ? { status: 429, headers: { 'retry-after': '1' } } : null);
    const begun = performance.now();
    await look('maker/tiny');
    expect(performance.now() - begun).toBeGreaterThan(1_900);
    hub.onHub = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await failure(look('maker/tiny'))).toMatchObject({ code: 'hub/rate-limited' });
    hub.onHub = () => ({ status: 500 });
    expect(await failure(look('maker/tiny'))).toMatchObject({ code: 'hub/server-failed' });
    const { url } = hub;
    await hub.close();
    const gone = await failure(
      lookAtModel(openHub(accessTo({ ...hub, url })), 'maker/tiny', { judgeConfig: () => [] }),
    );
    expect(gone).toMatchObject({ code: 'hub/unreachable', kind: 'environment' });
    hub = await startHub();
  });

  it('reads both kinds of Retry-After', () => {
    expect(readRetryAfter('7')).toBe(7_000);
    expect(readRetryAfter(new Date(60_000).toUTCString(), 50_000)).toBe(10_000);
    expect(readRetryAfter('soon')).toBeNull();
  });
});

it('a search tells size, licence, and what speaks against a model', async () => {
  hub.add(await tinyHubModel('maker/fine', { downloads: 900 }));
  const { files } = await tinyHubModel();
  hub.add({ id: 'maker/fine-pickled', files: { 'config.json': files['config.json'] ?? '', 'pytorch_model.bin': 'x' } });
  hub.add({ id: 'maker/fine-odd', files: { 'config.json': '{"model_type":"starfish"}', 'model.safetensors': 'xx' } });
  const found = await searchModels(openHub(accessTo(hub)), 'fine', { limit: 10, supportedTypes: ['llama'] });
  expect(found.map(({ id, faults }) => [id, faults.map(({ message }) => message.slice(0, 20))])).toEqual([
    ['maker/fine', []],
    ['maker/fine-pickled', ['the weights are pick']],
    ['maker/fine-odd', ['the engine has no "s']],
  ]);
  expect(found[0]).toMatchObject({ downloads: 900, licence: 'apache-2.0', model_type: 'llama', gated: false });
  expect(found[0]?.size_bytes).toBeGreaterThan(1_000);
});

describe('a proxy', () => {
  it('is the one of the address’s kind, unless the host is excepted', () => {
    const proxies = readProxies({
      HTTPS_PROXY: 'http://p:1',
      http_proxy: 'q:2',
      NO_PROXY: 'near.example, .far.example:443',
    });
    const choose = (address: string) => chooseProxy(new URL(address), proxies)?.host ?? null;
    expect(choose('https://hub.example/x')).toBe('p:1');
    expect(choose('http://hub.example/x')).toBe('q:2');
    expect(choose('https://near.example/x')).toBeNull();
    expect(choose('https://very.far.example/x')).toBeNull();
    expect(choose('http://very.far.example/x')).toBe('q:2');
    expect(chooseProxy(new URL('http://a.example'), readProxies({}))).toBeNull();
  });

  it('carries requests, and gets its own password but not the token’s place', async () => {
    hub.add(await tinyHubModel());
    const asked: { url: string; authorization: string }[] = [];
    const proxy = createServer((request, response) => {
      asked.push({ url: request.url ?? '', authorization: String(request.headers['proxy-authorization']) });
      void fetch(request.url ?? '', { redirect: 'manual' }).then(async (answer) => {
        const { location } = Object.fromEntries(answer.headers);
        response.writeHead(answer.status, location ? { location } : { 'content-type': 'application/json' });
        response.end(Buffer.from(await answer.arrayBuffer()));
      });
    });
    proxy.on('connect', (request, socket) => {
      const [host, port] = (request.url ?? '').split(':');
      const through = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      through.pipe(socket).pipe(through);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://me:word@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      const access = accessTo(hub, { proxies: { ...NO_PROXIES, http: address } });
      await lookAtModel(openHub(access), 'maker/tiny', { judgeConfig: () => [] });
      expect(asked.length).toBeGreaterThan(2);
      expect(asked[0]?.url.startsWith(`${hub.url}/api/models`)).toBe(true);
      expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('me:word').toString('base64')}`);
      const socket = await openTunnel(new URL(address), new URL(hub.url), 1_000);
      const answer = new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(String(data))));
      socket.write('GET /api/models HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n');
      expect(await answer).toContain('200 OK');
      socket.destroy();
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});
