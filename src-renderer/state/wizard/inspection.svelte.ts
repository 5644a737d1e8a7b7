/**
 * @file Looking through data files: one look at a time, the latest wins.
 */
import type { Client } from '../../../src-shared/contract/client.ts';
import type { MethodInput } from '../../../src-shared/contract/contract.ts';
import type { PlainError } from '../../../src-shared/domain/app-error.ts';
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import { isCancelled, toFailure } from '../failure.ts';

export type InspectionQuestion = MethodInput<'data:inspect'>;

export class Inspection {
  /** The last answer; it stays while a new look is taken. */
  report = $state.raw<DataReport | null>(null);
  failure = $state.raw<PlainError | null>(null);
  working = $state(false);
  phase = $state('');
  fraction = $state<number | null>(null);
  readonly #client: Client;
  #asked = '';
  #task: string | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Looks again only where the question is another one, or `anew`. */
  async look(question: InspectionQuestion, anew = false): Promise<void> {
    const asked = JSON.stringify(question);
    if (asked === this.#asked && !anew) return;
    this.#cancel();
    this.#asked = asked;
    this.working = true;
    this.failure = null;
    try {
      const started = await this.#client.call('data:inspect', question);
      if (asked !== this.#asked) return;
      this.#task = started.task;
      const report = await this.#client.follow(started, ({ phase, fraction }) => {
        if (asked !== this.#asked) return;
        this.phase = phase;
        this.fraction = fraction;
      });
      if (asked === this.#asked) this.report = report;
    } catch (error) {
      const failure = toFailure(error);
      if (asked !== this.#asked || isCancelled(failure)) return;
      this.failure = failure;
      this.report = null;
    } finally {
      if (asked === this.#asked) this.#end();
    }
  }

  clear(): void {
    this.#cancel();
    this.#asked = '';
    this.report = null;
    this.failure = null;
    this.#end();
  }

  #end(): void {
    this.working = false;
    this.phase = '';
    this.fraction = null;
    this.#task = null;
  }

  #cancel(): void {
    // It may have ended meanwhile.
    if (this.#task !== null) this.#client.call('tasks:cancel', { task: this.#task }).catch(() => {});
    this.#task = null;
  }
}
