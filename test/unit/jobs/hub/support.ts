/** @file Downloads in this process, without waiting long, from a hub on loopback. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type DownloadJobContext, runDownloadJob } from '../../../../src-main/jobs/hub/download-job.ts';
import { type HubAccess, openHub } from '../../../../src-main/jobs/hub/hub-client.ts';
import { lookAtModel } from '../../../../src-main/jobs/hub/look-at-model.ts';
import { NO_PROXIES } from '../../../../src-main/jobs/hub/proxy.ts';
import type { Pace } from '../../../../src-main/jobs/hub/patience.ts';
import type { DownloadProgress } from '../../../../src-shared/domain/hub.ts';
import type { HubModelFiles, HubServer } from '../../../support/hub-server.ts';

export const QUICK: Pace = { firstMs: 2, mostMs: 20, failures: 4, idleMs: 400, mostAskedMs: 3_000 };

export function accessTo(hub: HubServer, changes: Partial<HubAccess> = {}): HubAccess {
  return { endpoint: hub.url, token: null, proxies: NO_PROXIES, pace: QUICK, ...changes };
}

export interface PulledFolder {
  readonly dir: string;
  readonly progress: readonly DownloadProgress[];
}

/** Looks and downloads, as the service does. */
export async function pull(
  access: HubAccess,
  model: string,
  dir: string,
  context: Partial<DownloadJobContext> & { readonly revision?: string } = {},
): Promise<PulledFolder> {
  const progress: DownloadProgress[] = [];
  const { revision, ...rest } = context;
  const looked = await lookAtModel(openHub(access), model, { judgeConfig: () => [], ...(revision && { revision }) });
  const { id, revision: commit, requested_revision, licence, gated, files } = looked;
  const plan = { model: id, revision: commit, requested_revision, licence, gated, files };
  const signal = new AbortController().signal;
  await runDownloadJob({ access, plan, dir }, { signal, tell: (told) => void progress.push(told), ...rest });
  return { dir, progress };
}

/** Files of the folder that are not as the hub has them; empty where all are. */
export function findDifferences(dir: string, model: HubModelFiles, names: readonly string[]): string[] {
  return names.filter((name) => {
    const file = path.join(dir, name);
    return !existsSync(file) || !readFileSync(file).equals(Buffer.from(model.files[name] ?? ''));
  });
}

/** Names that a program could take for a model's. */
export function visibleFiles(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter((name) => !name.startsWith('.')) : [];
}
