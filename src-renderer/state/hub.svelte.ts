/**
 * @file The hub as a screen asks it: the starters, a search, and the way there (address, proxy, offline mode, token).
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { HubAccessView, HubModel } from '../../src-shared/domain/hub.ts';
import type { HubStarter } from '../../src-shared/contract/hub-methods.ts';
import { toFailure } from './failure.ts';

export class Hub {
  starters = $state.raw<readonly HubStarter[]>([]);
  query = $state('');
  /** Of the last search; null before the first. */
  results = $state.raw<readonly HubModel[] | null>(null);
  searched = $state('');
  searching = $state(false);
  failure = $state.raw<PlainError | null>(null);
  access = $state.raw<HubAccessView | null>(null);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @returns ends the listening */
  watch(): () => void {
    const reread = (): void => void this.refresh();
    reread();
    const ends = [
      this.#client.on('hub:accessChanged', (view) => this.#change(view)),
      this.#client.on('models:changed', reread),
      this.#client.onRestart(reread),
    ];
    return () => ends.forEach((end) => end());
  }

  async refresh(): Promise<void> {
    try {
      const [access, starters] = await Promise.all([
        this.#client.call('hub:getAccess', {}),
        this.#client.call('hub:listStarters', {}),
      ]);
      this.access = access;
      this.starters = starters;
    } catch (error) {
      this.failure = toFailure(error);
    }
  }

  /** The latest search wins. */
  async search(): Promise<void> {
    const query = this.query.trim();
    if (query === '') return;
    this.searched = query;
    this.searching = true;
    this.failure = null;
    try {
      const found = await this.#client.call('hub:search', { query });
      if (query === this.searched) this.results = found;
    } catch (error) {
      if (query === this.searched) this.failure = toFailure(error);
    } finally {
      if (query === this.searched) this.searching = false;
    }
  }

  /** What failed failed on the old way there. */
  #change(access: HubAccessView): void {
    this.access = access;
    this.failure = null;
  }

  clear(): void {
    this.query = '';
    this.searched = '';
    this.results = null;
    this.failure = null;
  }
}
