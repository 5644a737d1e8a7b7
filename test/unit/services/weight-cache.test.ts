import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHistory, type History } from '../../../src-main/services/history.ts';
import type { Notice } from '../../../src-main/services/notice.ts';
import { createSettingsService, type SettingsService } from '../../../src-main/services/settings-service.ts';
import { createWeightCache } from '../../../src-main/services/weight-cache.ts';

let home = '';
let history: History;
let settings: SettingsService;
let notices: Notice[] = [];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-weight-cache-'));
  notices = [];
  history = createHistory({ home, onNotice: (notice) => notices.push(notice) });
  settings = createSettingsService(history);
});
afterEach(async () => {
  await history.close();
  rmSync(home, { recursive: true, force: true });
});

const cache = (env: NodeJS.ProcessEnv = {}, given = settings) =>
  createWeightCache({ home, env, settings: given, onNotice: (notice) => notices.push(notice) });

describe('memory for expanded copies', () => {
  it('is chosen by the engine where nobody says, and no history is made for the question', async () => {
    expect(await cache().read()).toEqual({ source: 'free', megabytes: undefined });
    expect(await cache().variables()).toEqual({});
    expect(readdirSync(home)).toEqual([]);
  });

  it('is what was set, none included, until it is free again', async () => {
    for (const megabytes of [700, 0]) {
      await settings.change({ weight_cache_mb: megabytes });
      expect(await cache().read()).toEqual({ source: 'setting', megabytes: String(megabytes) });
      expect(await cache().variables()).toEqual({ TUNESMITH_WEIGHT_CACHE_MB: String(megabytes) });
    }
    await settings.change({ weight_cache_mb: null });
    expect(await cache().variables()).toEqual({});
  });

  it('is what the environment says, whatever was set', async () => {
    await settings.change({ weight_cache_mb: 700 });
    const env = { TUNESMITH_WEIGHT_CACHE_MB: '5' };
    expect(await cache(env).read()).toEqual({ source: 'environment', megabytes: '5' });
  });

  it('is chosen by the engine, and that is told, where the settings cannot be read', async () => {
    writeFileSync(path.join(home, 'history.sqlite'), '');
    const broken = { ...settings, read: () => Promise.reject(new Error('no such disk')) };
    expect(await cache({}, broken).read()).toMatchObject({ source: 'free' });
    expect(notices).toEqual([{ code: 'internal/bug', message: 'no such disk' }]);
  });
});
