/**
 * @file What mends a run that failed: settings to resume with, by the code of its failure.
 */
import type { JsonObject } from '../../src-shared/domain/json.ts';
import { findSettings, type NamedSetting } from '../../src-shared/domain/settings-text.ts';

/** fit: what the engine worked out, so that the run fits into memory. */
export type Remedy = {
  /** For `runs:resume`. */
  readonly settings: readonly string[];
} & (
  | {
      readonly kind: 'lower-rate' | 'smaller-batch';
      /** The new value, for the words. */
      readonly value: number;
    }
  | { readonly kind: 'fit'; readonly changes: readonly NamedSetting[] }
);

const RATE_FACTOR = 0.25;

/** @param hint of the failure, which may name settings */
export function findRemedies(code: string | null, hint: string, config: JsonObject): Remedy[] {
  const training = (config.training ?? {}) as JsonObject;
  const rate = Number(training.learning_rate);
  const batch = Number(training.per_device_train_batch_size);
  const accumulation = Number(training.gradient_accumulation_steps ?? 1);
  if (code === 'train/diverged' && rate > 0) {
    const value = Number((rate * RATE_FACTOR).toPrecision(2));
    return [{ kind: 'lower-rate', value, settings: [`training.learning_rate=${value}`] }];
  }
  const changes = code === 'memory/exhausted' ? findSettings(hint) : [];
  if (changes.length > 0) {
    return [{ kind: 'fit', changes, settings: changes.map(({ path, value }) => `${path}=${value}`) }];
  }
  if ((code === 'memory/exhausted' || code === 'job/killed') && batch > 1) {
    const value = Math.floor(batch / 2);
    const settings = [
      `training.per_device_train_batch_size=${value}`,
      `training.gradient_accumulation_steps=${Math.ceil((batch * accumulation) / value)}`,
    ];
    return [{ kind: 'smaller-batch', value, settings }];
  }
  return [];
}
