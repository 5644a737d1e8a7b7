/**
 * @file Downloads that are not finished. Core does them and keeps them over restarts; here they are watched, on every screen, and told
 * what to do.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { Download } from '../../src-shared/domain/hub.ts';
import type { ListedModel } from '../../src-shared/domain/models.ts';
import { toFailure } from './failure.ts';

export class Downloads {
  list = $state.raw<readonly Download[]>([]);
  /** Model that is being looked at before its download begins. */
  starting = $state<string | null>(null);
  /** Why a download was not begun, by model. */
  failures = $state.raw<Readonly<Record<string, PlainError>>>({});
  readonly #client: Client;
  #arrived: readonly ((model: ListedModel) => void)[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param listener told of a model that is here now, or was already @returns ends the listening */
  onArrived(listener: (model: ListedModel) => void): () => void {
    this.#arrived = [...this.#arrived, listener];
    return () => (this.#arrived = this.#arrived.filter((other) => other !== listener));
  }

  /** @returns ends the listening */
  watch(): () => void {
    const reread = (): void => void this.#refresh();
    reread();
    const ends = [
      this.#client.on('download:changed', (download) => this.#put(download)),
      this.#client.on('download:ended', ({ id, model }) => {
        this.list = this.list.filter((download) => download.id !== id);
        if (model) this.#tell(model);
      }),
      this.#client.onRestart(reread),
    ];
    return () => ends.forEach((end) => end());
  }

  find(model: string): Download | null {
    return this.list.find((download) => download.model === model) ?? null;
  }

  /** What was not begun is said beside the model. */
  async start(model: string): Promise<void> {
    this.starting = model;
    this.forgive(model);
    try {
      const { download, model: here } = await this.#client.call('downloads:start', { model });
      if (download) this.#put(download);
      else this.#tell(here);
    } catch (error) {
      this.failures = { ...this.failures, [model]: toFailure(error) };
    } finally {
      this.starting = null;
    }
  }

  /** Puts a failure away. */
  forgive(model: string): void {
    this.failures = Object.fromEntries(Object.entries(this.failures).filter(([name]) => name !== model));
  }

  async pause(id: string): Promise<void> {
    await this.#client.call('downloads:pause', { id });
  }

  async resume(id: string): Promise<void> {
    this.#put(await this.#client.call('downloads:resume', { id }));
  }

  async cancel(id: string): Promise<void> {
    await this.#client.call('downloads:cancel', { id });
  }

  #tell(model: ListedModel): void {
    for (const listener of this.#arrived) listener(model);
  }

  #put(download: Download): void {
    const isKnown = this.list.some(({ id }) => id === download.id);
    const replaced = this.list.map((known) => (known.id === download.id ? download : known));
    this.list = isKnown ? replaced : [...this.list, download];
  }

  async #refresh(): Promise<void> {
    try {
      this.list = await this.#client.call('downloads:list', {});
    } catch (error) {
      reportError(error);
    }
  }
}

/** How far several downloads are together, null where their sizes are not known. */
export function fractionOfAll(downloads: readonly Download[]): number | null {
  const total = downloads.reduce((sum, { total_bytes }) => sum + total_bytes, 0);
  return total === 0 ? null : downloads.reduce((sum, { done_bytes }) => sum + done_bytes, 0) / total;
}

/** Until the last of them is here, null where it cannot be said. */
export function longestEta(downloads: readonly Download[]): number | null {
  const times = downloads.map(({ progress }) => progress?.eta_ms ?? null);
  return times.length === 0 || times.includes(null) ? null : Math.max(...(times as number[]));
}
