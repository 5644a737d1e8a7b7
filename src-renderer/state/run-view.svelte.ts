/**
 * @file One run as its page shows it: read from the history, then kept in step with what core tells. A reload of the window loses nothing.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { EvaluationRecord, NoticeRecord, SampleRecord } from '../../src-shared/domain/history.ts';
import type { MetricPage, RunPageDetails, TimedRunEvent } from '../../src-shared/domain/run-views.ts';
import { toFailure } from './failure.ts';
import { RunMetrics } from './run-metrics.ts';

export class RunView {
  readonly id: string;
  details = $state.raw<RunPageDetails | null>(null);
  evaluations = $state.raw<readonly EvaluationRecord[]>([]);
  notices = $state.raw<readonly NoticeRecord[]>([]);
  samples = $state.raw<readonly SampleRecord[]>([]);
  failure = $state.raw<PlainError | null>(null);
  /** Changes whenever figures came; the arrays themselves only grow. */
  version = $state(0);
  readonly metrics = new RunMetrics();
  readonly #client: Client;
  /** Events that came while the history was still being read. */
  #early: TimedRunEvent[] | null = [];

  constructor(client: Client, id: string) {
    this.#client = client;
    this.id = id;
  }

  /** @returns ends the listening */
  watch(): () => void {
    const ends = [
      this.#client.on('run:eventsReported', ({ run, events }) => run === this.id && this.#takeAll(events)),
      this.#client.on('run:changed', (run) => {
        if (run.id !== this.id) return;
        const isNews = run.state !== this.details?.run.state;
        if (this.details) this.details = { ...this.details, run };
        if (isNews) void this.refreshDetails();
      }),
      this.#client.onRestart(() => void this.load()),
    ];
    void this.load();
    return () => ends.forEach((end) => end());
  }

  async load(): Promise<void> {
    this.#early = [];
    await this.refreshDetails();
    if (this.failure === null) await this.#readMetrics();
    const early = this.#early ?? [];
    this.#early = null;
    this.#takeAll(early);
  }

  /** Everything but the figures. */
  async refreshDetails(): Promise<void> {
    try {
      const details = await this.#client.call('runs:get', { run: this.id });
      this.details = details;
      this.evaluations = details.evaluations;
      this.notices = details.notices;
      this.samples = details.samples;
      this.failure = null;
    } catch (error) {
      this.failure = toFailure(error);
    }
  }

  async #readMetrics(): Promise<void> {
    let after: number | null = -1;
    let drawn = 0;
    while (after !== null) {
      const page: MetricPage = await this.#client.call('runs:getMetrics', { run: this.id, after_step: after });
      this.metrics.addPage(page);
      after = page.next;
      // Drawing costs as much as all figures that are there: it is done anew when there are twice as many.
      if (after !== null && this.metrics.count < 2 * drawn) continue;
      drawn = this.metrics.count;
      this.version += 1;
    }
  }

  #takeAll(events: readonly TimedRunEvent[]): void {
    if (this.#early !== null) {
      this.#early.push(...events);
      return;
    }
    for (const event of events) this.#take(event);
    this.version += 1;
  }

  #take(event: TimedRunEvent): void {
    switch (event.event) {
      case 'step':
        this.metrics.addStep(event);
        break;
      case 'eval':
        this.evaluations = [...before(this.evaluations, event.step), event];
        break;
      case 'sample':
        this.samples = [
          ...this.samples.filter(({ step, prompt }) => step !== event.step || prompt !== event.prompt),
          event,
        ];
        break;
      case 'notice':
        this.notices = [...this.notices, event];
        break;
      case 'checkpoint':
        if (this.details) {
          const { step, path, best, at: created_at } = event;
          const checkpoints = [
            { step, path, best, created_at },
            ...this.details.checkpoints.filter((old) => old.step !== step),
          ];
          this.details = { ...this.details, checkpoints };
        }
        break;
      default:
        break;
    }
  }
}

/** What was told of this step and later belongs to a part of the run that was done anew. */
function before<Told extends { readonly step: number }>(list: readonly Told[], step: number): Told[] {
  return list.filter((told) => told.step < step);
}
