/**
 * @file What each way to store the base model costs and loses on the person's rows: found where it was measured before, measured anew at
 * the person's wish.
 */
import type { Client } from '../../../src-shared/contract/client.ts';
import type { KeptReport, QuantizeReport } from '../../../src-shared/domain/quantize-report.ts';
import { recommendStorage, type StorageReport } from '../../../src-shared/domain/quantize-report.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { Measurement } from '../measurement.svelte.ts';
import type { Precision } from './offers.ts';

/** What the figures depend on. */
export interface StorageSubject {
  readonly model: RunConfig['model'];
  readonly data: RunConfig['data'];
}

export class Storages {
  readonly measurement: Measurement<'measureStorages', StorageSubject>;
  readonly #client: Client;
  #found = $state.raw<{ readonly key: string; readonly kept: KeptReport | null }>({ key: '', kept: null });

  constructor(client: Client) {
    this.#client = client;
    this.measurement = new Measurement(client, (subject, pause_running) =>
      client.call('config:measureStorages', { config: toConfig(subject), fresh: true, pause_running }),
    );
  }

  /** Looks for figures of before; asks only once for a subject. */
  async find(subject: StorageSubject): Promise<void> {
    const key = JSON.stringify(subject);
    if (this.#found.key === key) return;
    this.#found = { key, kept: null };
    // What stands in the way of reading is said by the checks.
    const kept = await this.#client.call('config:findStorages', { config: toConfig(subject) }).catch(() => null);
    if (this.#found.key === key) this.#found = { key, kept };
  }

  reportOf(subject: StorageSubject): KeptReport | null {
    const found = this.#found.key === JSON.stringify(subject) ? this.#found.kept : null;
    return this.measurement.resultOf(subject) ?? found;
  }
}

/** Of the settings only those that the figures depend on, so that others can change without measuring anew. */
export function storageSubject({ model, data }: RunConfig): StorageSubject {
  const { train, format, columns, template, max_length, completion_only_loss } = data;
  return { model, data: { train, format, columns, template, max_length, completion_only_loss } };
}

function toConfig({ model, data }: StorageSubject): RunConfig {
  return { model, data, quantization: {}, peft: {}, training: {} };
}

export interface AdvisedStorage {
  readonly method: Precision;
  readonly doubleQuant: boolean;
  /** Of the largest storage's memory. */
  readonly share: number;
  /** By how much the loss is above the best one's. */
  readonly rise: number;
  /** Time to read the rows against the largest storage's. */
  readonly slowdown: number;
}

/** The report's advice among what can be chosen here. @returns null where nothing of it can */
export function adviseStorage({ storages }: QuantizeReport, offered: readonly Precision[]): AdvisedStorage | null {
  const possible = storages.filter(({ quantization }) => offered.includes(quantization.method));
  if (possible.length === 0) return null;
  const { method, double_quant } = recommendStorage(possible).quantization;
  const chosen = findStorage(possible, method, double_quant);
  if (!chosen) return null;
  const largest = possible.reduce((most, next) => (next.weight_bytes > most.weight_bytes ? next : most));
  const best = Math.min(...possible.map(({ eval_loss }) => eval_loss));
  return {
    method,
    doubleQuant: double_quant,
    share: chosen.weight_bytes / largest.weight_bytes,
    rise: Math.max(0, chosen.eval_loss - best),
    slowdown: largest.tokens_per_second / chosen.tokens_per_second,
  };
}

export function findStorage(
  storages: readonly StorageReport[],
  method: Precision,
  doubleQuant: boolean,
): StorageReport | null {
  return (
    storages.find(
      ({ quantization }) =>
        quantization.method === method && (method !== 'nf4' || quantization.double_quant === doubleQuant),
    ) ?? null
  );
}
