/**
 * @file The engine and the machine as core found them; memory and disk are read anew now and then.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { DoctorCheck, EngineStatus } from '../../src-shared/domain/machine.ts';
import { toFailure } from './failure.ts';

const REFRESH_MS = 15_000;

export class Engine {
  status = $state.raw<EngineStatus | null>(null);
  failure = $state.raw<PlainError | null>(null);
  checks = $state.raw<readonly DoctorCheck[] | null>(null);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Reads now, and again every 15 s while the window is visible. */
  watch(): void {
    void this.refresh();
    setInterval(() => {
      if (document.visibilityState === 'visible' && this.#client.status() === 'ready') void this.refresh();
    }, REFRESH_MS);
  }

  async refresh(): Promise<void> {
    try {
      this.status = await this.#client.call('engine:getStatus', {});
      this.failure = null;
    } catch (error) {
      this.failure = toFailure(error);
    }
  }

  async runDoctor(): Promise<void> {
    this.checks = null;
    this.checks = await this.#client.call('engine:runDoctor', {});
  }
}
