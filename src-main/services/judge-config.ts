/**
 * @file What the engine finds wrong with a config.json, all at once, before anything of the model is loaded or downloaded.
 */
import { AppError, type Fault } from '../../src-shared/domain/app-error.ts';
import type { RawConfig } from '../engine/models/config-reader.ts';
import { isPlausible } from './model-fit.ts';

/** Loads the architectures at its first use. @returns a function that names the faults of a configuration */
export async function loadConfigJudge(): Promise<(config: RawConfig) => readonly Fault[]> {
  const { makeModel } = await import('../engine/models/registry.ts');
  return (config) => {
    if (!isPlausible(config)) return [{ file: 'config.json', message: 'has more layers than any model' }];
    try {
      makeModel(config);
      return [];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { faults, message, hint } = error;
      return faults.length > 0 ? withHint(faults, hint) : [{ file: 'config.json', message, hint }];
    }
  };
}

/** The hint of an error that has faults is said with the first of them. */
function withHint(faults: readonly Fault[], hint: string): readonly Fault[] {
  const known = faults.some((fault) => fault.hint);
  return known || hint === '' ? faults : faults.map((fault, at) => (at === 0 ? { ...fault, hint } : fault));
}
