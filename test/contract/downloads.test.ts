import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Download } from '../../src-shared/domain/hub.ts';
import type { ListedModel } from '../../src-shared/domain/models.ts';
import { shardedHubModel, tinyHubModel } from '../support/hub-models.ts';
import { type HubServer, startHub } from '../support/hub-server.ts';
import { type OpenBrowser, openBrowser, until } from './support/open-contract.ts';

let hub: HubServer;
let home = '';
let browser: OpenBrowser;
beforeEach(async () => {
  hub = await startHub();
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-downloads-'));
  browser = await openBrowser(home);
  await browser.client.call('settings:change', { hub_endpoint: `${hub.url}/` });
});
afterEach(async () => {
  await browser.close();
  await hub.close();
  rmSync(home, { recursive: true, force: true });
});

it('a download is begun, paused, resumed and ends as a model; the window is told of each', async () => {
  const { client } = browser;
  hub.add(await shardedHubModel(2, 300_000));
  hub.onFile = (name, from) =>
    name.startsWith('model-') && from < 100_000 ? { cutAfter: 100_000, hangs: true } : null;
  const told: Download[] = [];
  const ended: (ListedModel | null)[] = [];
  client.on('download:changed', (download) => told.push(download));
  client.on('download:ended', ({ model }) => ended.push(model));
  const [found] = await client.call('hub:search', { query: 'large' });
  expect(found).toMatchObject({ id: 'maker/large', path: null, faults: [] });
  const { download } = await client.call('downloads:start', { model: 'maker/large' });
  expect(download).toMatchObject({ model: 'maker/large', state: 'running' });
  const id = download?.id ?? '';
  await until(() => told.some(({ done_bytes }) => done_bytes > 200_000) || null);
  await client.call('downloads:pause', { id });
  expect(await client.call('downloads:list', {})).toMatchObject([{ id, state: 'paused', error: null }]);
  hub.onFile = () => null;
  await client.call('downloads:resume', { id });
  await until(() => ended[0] ?? null);
  expect(ended[0]).toMatchObject({ name: 'maker/large', source: 'hub', path: path.join(home, 'models/maker/large') });
  expect(await client.call('downloads:list', {})).toEqual([]);
  const again = await client.call('downloads:start', { model: 'maker/large' });
  expect(again).toMatchObject({ download: null, model: { name: 'maker/large' } });
});

it('a failure stays with its download until it is tried again or cancelled', async () => {
  const { client } = browser;
  const model = await shardedHubModel(2, 10_000);
  const [shard = ''] = Object.keys(model.files).filter((name) => name.endsWith('.safetensors'));
  hub.add({ ...model, listed: { [shard]: { sha256: 'b'.repeat(64) } } });
  const { download } = await client.call('downloads:start', { model: model.id });
  const id = download?.id ?? '';
  const failed = await until(async () => {
    const [one] = await client.call('downloads:list', {});
    return one?.state === 'failed' ? one : null;
  });
  expect(failed.error).toMatchObject({ code: 'hub/checksum' });
  await client.call('downloads:cancel', { id });
  expect(await client.call('downloads:list', {})).toEqual([]);
  expect(existsSync(failed.dir)).toBe(false);
  await expect(client.call('downloads:resume', { id })).rejects.toMatchObject({ code: 'download/unknown' });
});

it('a token goes in and never comes out; offline mode asks nobody', async () => {
  const { client } = browser;
  hub.add(await tinyHubModel());
  const view = await client.call('hub:setToken', { token: ' hf_secret ' });
  expect(view).toMatchObject({ token: 'session', endpoint: hub.url, endpoint_source: 'setting' });
  expect(JSON.stringify(view)).not.toContain('hf_secret');
  await client.call('hub:search', { query: 'tiny' });
  expect(hub.seen.at(-1)?.authorization).toBe('Bearer hf_secret');
  expect(await client.call('hub:setToken', { token: null })).toMatchObject({ token: 'none' });
  hub.seen.length = 0;
  await client.call('settings:change', { hub_offline: true });
  await expect(client.call('hub:look', { model: 'maker/tiny' })).rejects.toMatchObject({ code: 'hub/offline' });
  expect(hub.seen).toEqual([]);
  const refused = client.call('settings:change', { hub_proxy: 'http://me:word@proxy:1' });
  await expect(refused).rejects.toMatchObject({ code: 'contract/bad-arguments' });
  await expect(client.call('settings:change', { models_folder: '/etc' })).rejects.toMatchObject({
    code: 'path/refused',
  });
});
