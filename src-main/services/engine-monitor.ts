/**
 * @file The engine's status for screens that ask often: the runtime is loaded once to ask it, memory and disk are read each time.
 */
import type { EngineStatus } from '../../src-shared/domain/machine.ts';
import { getEngineStatus, installEngine, type InstallEngineOptions } from './engine-service.ts';
import { readDiskFacts, readMemoryFacts } from './machine-facts.ts';
import type { WeightCache } from './weight-cache.ts';

export interface EngineMonitor {
  status(): Promise<EngineStatus>;
  /** @throws as `installEngine` */
  install(options: InstallEngineOptions): Promise<void>;
}

export function createEngineMonitor(home: string, weightCache: WeightCache): EngineMonitor {
  let known: Promise<EngineStatus> | null = null;
  return {
    async status() {
      known ??= getEngineStatus();
      const asked = known;
      const status = await asked.catch((error: unknown) => {
        if (known === asked) known = null;
        throw error;
      });
      return { ...status, memory: readMemoryFacts(await weightCache.read()), homeDisk: await readDiskFacts(home) };
    },
    async install(options) {
      try {
        await installEngine(options);
      } finally {
        known = null;
      }
    },
  };
}
