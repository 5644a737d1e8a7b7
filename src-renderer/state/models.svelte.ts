/**
 * @file Models to start from: the list, with those found on this machine, and what each says about itself.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { ListedModel, ModelDetails } from '../../src-shared/domain/models.ts';
import { toFailure } from './failure.ts';

export class Models {
  list = $state.raw<readonly ListedModel[] | null>(null);
  /** By path; what was asked for so far. */
  details = $state.raw<Readonly<Record<string, ModelDetails>>>({});
  failure = $state.raw<PlainError | null>(null);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @returns ends the listening */
  watch(): () => void {
    const reread = (): void => void this.refresh();
    reread();
    const ends = [this.#client.on('models:changed', reread), this.#client.onRestart(reread)];
    return () => ends.forEach((end) => end());
  }

  async refresh(): Promise<void> {
    try {
      this.list = await this.#client.call('models:list', {});
      this.failure = null;
    } catch (error) {
      this.failure = toFailure(error);
      return;
    }
    await Promise.all(this.list.filter(({ usable }) => usable).map(({ path }) => this.describe(path)));
  }

  /** A model that cannot be described has no details; its list entry says that it is not usable. */
  async describe(path: string): Promise<void> {
    if (this.details[path]) return;
    const details = await this.#client.call('models:describe', { path }).catch(() => null);
    if (details) this.details = { ...this.details, [path]: details };
  }
}
