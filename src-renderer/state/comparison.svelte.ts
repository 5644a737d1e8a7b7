/**
 * @file Two to six runs beside each other: their curves, what differs, the same questions.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { RunComparison } from '../../src-shared/domain/run-views.ts';
import { toFailure } from './failure.ts';
import { RunMetrics } from './run-metrics.ts';

export class Comparison {
  answer = $state.raw<RunComparison | null>(null);
  /** In the order of the runs. */
  metrics = $state.raw<readonly RunMetrics[]>([]);
  failure = $state.raw<PlainError | null>(null);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async load(runs: readonly string[]): Promise<void> {
    this.answer = null;
    this.failure = null;
    try {
      const [answer, metrics] = await Promise.all([
        this.#client.call('runs:compare', { runs: [...runs] }),
        Promise.all(runs.map((run) => this.#readMetrics(run))),
      ]);
      this.answer = answer;
      this.metrics = metrics;
    } catch (error) {
      this.failure = toFailure(error);
    }
  }

  async #readMetrics(run: string): Promise<RunMetrics> {
    const metrics = new RunMetrics();
    let after_step: number | null = -1;
    while (after_step !== null) {
      const page: { next: number | null } & Parameters<RunMetrics['addPage']>[0] = await this.#client.call(
        'runs:getMetrics',
        { run, after_step },
      );
      metrics.addPage(page);
      after_step = page.next;
    }
    return metrics;
  }
}
