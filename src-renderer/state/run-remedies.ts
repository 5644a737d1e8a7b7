/**
 * @file What mends a run that failed: settings to resume with, by the code of its failure.
 */
import type { JsonObject } from '../../src-shared/domain/json.ts';

export interface Remedy {
  readonly kind: 'lower-rate' | 'smaller-batch';
  /** The new value, for the words. */
  readonly value: number;
  /** For `runs:resume`. */
  readonly settings: readonly string[];
}

const RATE_FACTOR = 0.25;

export function findRemedies(code: string | null, config: JsonObject): Remedy[] {
  const training = (config.training ?? {}) as JsonObject;
  const rate = Number(training.learning_rate);
  const batch = Number(training.per_device_train_batch_size);
  const accumulation = Number(training.gradient_accumulation_steps ?? 1);
  if (code === 'train/diverged' && rate > 0) {
    const value = Number((rate * RATE_FACTOR).toPrecision(2));
    return [{ kind: 'lower-rate', value, settings: [`training.learning_rate=${value}`] }];
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
