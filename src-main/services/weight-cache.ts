/**
 * @file How much memory expanded copies of quantized weights may take: the environment says, else the person's setting, else the engine
 * takes a share of what is free. A job is told in its environment.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { WeightCacheSource } from '../../src-shared/domain/machine.ts';
import { WEIGHT_CACHE_VARIABLE } from '../engine/recipes/weight-cache.ts';
import { HISTORY_FILE } from './history.ts';
import { type Notice, toNotice } from './notice.ts';
import type { SettingsService } from './settings-service.ts';

export interface WeightCacheChoice {
  readonly source: WeightCacheSource;
  /** As it was written; undefined where nobody says. */
  readonly megabytes: string | undefined;
}

export interface WeightCache {
  read(): Promise<WeightCacheChoice>;
  /** What a job gets in its environment. */
  variables(): Promise<Readonly<Record<string, string>>>;
}

export interface WeightCacheOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: SettingsService;
  readonly onNotice: (notice: Notice) => void;
}

export const USUAL_WEIGHT_CACHE: WeightCacheChoice = { source: 'free', megabytes: undefined };

/** For people: who says how much. */
export const WEIGHT_CACHE_ORIGINS: Readonly<Record<WeightCacheSource, string>> = {
  environment: `${WEIGHT_CACHE_VARIABLE} says so`,
  setting: 'as set',
  free: 'an eighth of what is free',
};

export function createWeightCache({ home, env, settings, onNotice }: WeightCacheOptions): WeightCache {
  /** Work that needs no history, such as logits, must not need one for this. */
  async function readStored(): Promise<number | null> {
    if (!existsSync(path.join(home, HISTORY_FILE))) return null;
    try {
      return (await settings.read()).weight_cache_mb;
    } catch (error) {
      onNotice(toNotice(error));
      return null;
    }
  }

  async function read(): Promise<WeightCacheChoice> {
    const told = env[WEIGHT_CACHE_VARIABLE];
    if (told) return { source: 'environment', megabytes: told };
    const stored = await readStored();
    return stored === null ? USUAL_WEIGHT_CACHE : { source: 'setting', megabytes: String(stored) };
  }

  return {
    read,
    async variables(): Promise<Record<string, string>> {
      const { megabytes } = await read();
      return megabytes === undefined ? {} : { [WEIGHT_CACHE_VARIABLE]: megabytes };
    },
  };
}
