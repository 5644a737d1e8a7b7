/**
 * @file How the hub is reached: address, proxy, token, offline mode. The environment comes before the settings, as with the Hugging Face
 * tools; the token comes from the environment or is told to this process, and is written nowhere.
 */
import { HUB_URL } from '@huggingface/hub';
import path from 'node:path';
import { freeBytesOf } from '../../scripts/setup/disk-space.mjs';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { AccessSource, HubAccessView } from '../../src-shared/domain/hub.ts';
import type { HubAccess } from '../jobs/hub/hub-client.ts';
import { offline } from '../jobs/hub/hub-errors.ts';
import type { Pace } from '../jobs/hub/patience.ts';
import { readProxies } from '../jobs/hub/proxy.ts';
import type { SettingsService } from './settings-service.ts';

export interface HubAccessService {
  /** @throws hub/offline, hub/bad-endpoint, hub/bad-proxy */
  open(): Promise<HubAccess>;
  /** Without secrets. */
  view(): Promise<HubAccessView>;
  /** @param kept the desktop keeps it for the next start */
  setToken(token: string | null, kept: boolean): void;
  /** Where downloads go, absolute path. */
  modelsFolder(): Promise<string>;
}

export interface HubAccessOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: SettingsService;
  /** Tests do not wait as long. */
  readonly pace?: Pace;
}

export function createHubAccess({ home, env, settings, pace }: HubAccessOptions): HubAccessService {
  let told: { readonly token: string; readonly kept: boolean } | null = null;
  const ownToken = (env.HF_TOKEN ?? '').trim() || null;
  const isOfflineHere = /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '');

  async function readAddresses() {
    const { hub_endpoint, hub_proxy, hub_offline, models_folder } = await settings.read();
    const endpoint = choose(env.HF_ENDPOINT?.trim().replace(/\/+$/, '') || null, hub_endpoint, HUB_URL);
    const proxies = readProxies(env);
    const fromEnvironment = proxies.https ?? proxies.http;
    const proxy = choose<string | null>(fromEnvironment, hub_proxy, null);
    return {
      endpoint,
      proxy,
      proxies: fromEnvironment === null ? { ...proxies, http: hub_proxy, https: hub_proxy } : proxies,
      offline: choose(isOfflineHere || null, hub_offline || null, false),
      modelsFolder: models_folder ?? path.join(home, 'models'),
    };
  }

  return {
    async open() {
      const { endpoint, proxies, offline: isOffline } = await readAddresses();
      if (isOffline.value) throw offline();
      requireAddress(endpoint.value, 'hub/bad-endpoint', 'The address of the hub', 'HF_ENDPOINT');
      for (const proxy of [proxies.http, proxies.https]) if (proxy !== null) requireProxy(proxy);
      return { endpoint: endpoint.value, token: told?.token ?? ownToken, proxies, ...(pace && { pace }) };
    },
    async view() {
      const { endpoint, proxy, offline: isOffline, modelsFolder } = await readAddresses();
      return {
        endpoint: endpoint.value,
        endpoint_source: endpoint.source,
        proxy: proxy.value === null ? null : hideUser(proxy.value),
        proxy_source: proxy.source,
        offline: isOffline.value,
        offline_source: isOffline.source,
        token: told ? (told.kept ? 'kept' : 'session') : ownToken === null ? 'none' : 'environment',
        models_folder: modelsFolder,
        free_bytes: await freeBytesOf(modelsFolder),
      };
    },
    setToken(token, kept) {
      const clean = token?.trim() ?? '';
      if (clean !== '' && !/^[\x21-\x7e]{3,500}$/.test(clean)) {
        throw new AppError('hub/bad-token', 'This is no token: it has spaces or signs that none has', {
          hint: 'Copy it again from the page of your tokens.',
        });
      }
      told = clean === '' ? null : { token: clean, kept };
    },
    modelsFolder: async () => (await readAddresses()).modelsFolder,
  };
}

interface Chosen<T> {
  readonly value: T;
  readonly source: AccessSource;
}

function choose<T>(environment: T | null, setting: T | null, fallback: T): Chosen<T> {
  if (environment !== null) return { value: environment, source: 'environment' };
  return setting === null ? { value: fallback, source: 'default' } : { value: setting, source: 'setting' };
}

function requireAddress(address: string, code: string, what: string, variable: string): void {
  if (/^https?:$/.test(URL.parse(address)?.protocol ?? '')) return;
  throw new AppError(code, `${what} is no address: ${JSON.stringify(hideUser(address))}`, {
    hint: `It must begin with http:// or https://. Correct it in Models, or ${variable}.`,
  });
}

function requireProxy(proxy: string): void {
  const address = proxy.includes('://') ? proxy : `http://${proxy}`;
  requireAddress(address, 'hub/bad-proxy', 'The proxy', 'HTTPS_PROXY');
}

/** A proxy's address may hold a password. */
function hideUser(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
