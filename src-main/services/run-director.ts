/**
 * @file Runs of the app: started, paused, resumed from a screen or by the queue, watched by windows, mended after a crash.
 *
 * The queue starts its next run whenever no run is at work, here or in another process, until it is held. Runs of other processes (the
 * command line) are looked at now and then, so that the screens show them too and offer those that were cut off.
 */
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';
import type { QueueRecord, RunRecord } from '../../src-shared/domain/history.ts';
import type { ActiveRunState, QueueItem, QueueView, TimedRunEvent } from '../../src-shared/domain/run-views.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import { parseRunConfig, type RunConfig } from '../../src-shared/schema/run-config.ts';
import type { Services } from './create-services.ts';
import { describeConfig } from './describe-run.ts';
import { createDeviceLoans, type DeviceLoans } from './device-loans.ts';
import { createLiveRun, type LiveRun, type LiveRunListener } from './live-run.ts';
import { type Notice, toNotice } from './notice.ts';
import type { ActiveRun, EndWish } from './run-follower.ts';
import type { ResumeRunOptions, RunObserver } from './run-service.ts';

export interface RunDirectorListener extends LiveRunListener {
  /** A run began, ended, or changed in another process. */
  readonly onRunChanged: (run: string) => void;
  readonly onQueueChanged: () => void;
  readonly onNotice: (notice: Notice) => void;
}

export interface RunDirector {
  start(config: RunConfig): Promise<ActiveRun>;
  resume(run: string, options: Pick<ResumeRunOptions, 'settings' | 'checkpoint'>): Promise<ActiveRun>;
  /** Trains a run further, from where it is. */
  addEpochs(run: string, epochs: number): Promise<ActiveRun>;
  /** Answers when the run has ended. @throws run/not-here for a run that another process works on, or none */
  end(run: string, wish: EndWish): Promise<void>;
  active(): ActiveRunState[];
  /** For interactive work that wants the device for itself. */
  lend: DeviceLoans['lend'];
  queue(): Promise<QueueView>;
  addToQueue(config: RunConfig): Promise<void>;
  removeFromQueue(item: string): Promise<void>;
  reorderQueue(items: readonly string[]): Promise<void>;
  /** False: what waits is not started; the run at work goes on. */
  letQueueRun(runs: boolean): Promise<void>;
  /** Pauses what is at work and waits for it. */
  close(): Promise<void>;
}

export interface DirectedServices {
  /** Give it to `createServices`. */
  readonly observer: RunObserver;
  /** Begins to run the queue and to look at other processes' runs. */
  direct(services: Services): RunDirector;
}

const LOOK_MS = 3_000;

export function createRunDirector(listener: RunDirectorListener): DirectedServices {
  const live = new Map<string, LiveRun>();
  let director: Director | null = null;
  return {
    observer: {
      began(run, name) {
        live.set(run.id, createLiveRun(run, name, listener));
        listener.onRunChanged(run.id);
      },
      told(run, event) {
        const timed: TimedRunEvent = event;
        live.get(run)?.take(timed);
      },
      changed: (run) => listener.onRunChanged(run),
      ended(run) {
        live.get(run)?.close();
        live.delete(run);
        listener.onRunChanged(run);
        director?.look();
      },
    },
    direct(services) {
      director = new Director(services, live, listener);
      return director;
    },
  };
}

class Director implements RunDirector {
  readonly #services: Services;
  readonly #live: ReadonlyMap<string, LiveRun>;
  readonly #listener: RunDirectorListener;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #loans: DeviceLoans;
  /** Runs of other processes as they were last seen. */
  #foreign = new Map<string, string>();
  #looking: Promise<unknown> | null = null;
  /** What kept it from looking the last time. */
  #trouble: string | null = null;
  #working: Promise<void> | null = null;

  constructor(services: Services, live: ReadonlyMap<string, LiveRun>, listener: RunDirectorListener) {
    this.#services = services;
    this.#live = live;
    this.#listener = listener;
    this.#loans = createDeviceLoans({
      atWork: () => [...live.values()].find((run) => !run.isEnding())?.state() ?? null,
      pause: (run) => this.#pauseForLoan(run),
      goOn: (run) => void this.#goOnAfterLoan(run),
      stayPaused: (name) => listener.onNotice(makeNotice('run/stays-paused', { name }, `"${name}" stays paused`)),
    });
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.look();
  }

  async start(config: RunConfig): Promise<ActiveRun> {
    await this.#freeDevice();
    return this.#services.runs.start({ config });
  }

  async resume(run: string, options: Pick<ResumeRunOptions, 'settings' | 'checkpoint'>): Promise<ActiveRun> {
    await this.#freeDevice(run);
    return this.#services.runs.resume(run, options);
  }

  async addEpochs(run: string, epochs: number): Promise<ActiveRun> {
    const { run: record, config } = await this.#services.library.details(run);
    const { training } = parseRunConfig(config);
    const steps = training.max_steps ?? -1;
    if (steps === -1) {
      const settings = [`training.num_train_epochs=${(training.num_train_epochs ?? 1) + epochs}`];
      return this.resume(record.id, { settings });
    }
    const stepsAnEpoch = record.epoch > 0 ? record.step / record.epoch : steps;
    const settings = [`training.max_steps=${steps + Math.max(1, Math.round(epochs * stepsAnEpoch))}`];
    return this.resume(record.id, { settings });
  }

  async end(run: string, wish: EndWish): Promise<void> {
    const found = this.#live.get(run);
    if (!found) throw await this.#explainNotHere(run);
    // Whoever pauses wants the memory: the queue must not take it at once.
    if (wish === 'paused' && (await this.#isQueued(run))) await this.letQueueRun(false);
    found.end(wish);
    await found.active.result.catch(() => {});
  }

  lend: DeviceLoans['lend'] = (options, work) => this.#loans.lend(options, work).finally(() => this.look());

  active(): ActiveRunState[] {
    return [...this.#live.values()].map((run) => run.state());
  }

  async queue(): Promise<QueueView> {
    const { queue, settings, library } = this.#services;
    const [items, { queue_runs }] = await Promise.all([queue.list(), settings.read()]);
    const views = items.map(async (item) => {
      const run = item.run_id === null ? null : await library.summary(item.run_id);
      return describeItem(item, run?.state ?? null);
    });
    return { runs: queue_runs, items: await Promise.all(views) };
  }

  async addToQueue(config: RunConfig): Promise<void> {
    await this.#services.queue.add(config);
    this.#listener.onQueueChanged();
    this.look();
  }

  async removeFromQueue(item: string): Promise<void> {
    await this.#services.queue.remove(item);
    this.#listener.onQueueChanged();
  }

  async reorderQueue(items: readonly string[]): Promise<void> {
    await this.#services.queue.reorder(items);
    this.#listener.onQueueChanged();
  }

  async letQueueRun(runs: boolean): Promise<void> {
    await this.#services.settings.change({ queue_runs: runs });
    this.#listener.onQueueChanged();
    this.look();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#looking;
    const runs = [...this.#live.values()];
    for (const run of runs) run.end('paused');
    await Promise.allSettled(runs.map(({ active }) => active.result));
    await this.#working;
  }

  /** Looks at what others do, and starts what waits if nobody trains. */
  look(): void {
    if (this.#looking || this.#closing.signal.aborted) return;
    this.#looking = this.#lookOnce()
      .then(() => (this.#trouble = null))
      .catch((error: unknown) => this.#tellOnce(error))
      .finally(() => (this.#looking = null));
  }

  async #lookOnce(): Promise<void> {
    const { library } = this.#services;
    const watched = await library.watched(this.#listener.onNotice);
    const foreign = watched.filter(({ id }) => !this.#live.has(id));
    const seen = new Map(foreign.map((run) => [run.id, describeSeen(run)]));
    for (const id of new Set([...this.#foreign.keys(), ...seen.keys()])) {
      if (this.#foreign.get(id) !== seen.get(id)) this.#listener.onRunChanged(id);
    }
    this.#foreign = seen;
    if (watched.length === 0 && this.#live.size === 0) await this.#startNext();
  }

  /** The work itself goes on in the background; the next item is started when somebody looks again. */
  async #startNext(): Promise<void> {
    const { queue, settings } = this.#services;
    if (this.#working || this.#loans.isLent() || !(await settings.read()).queue_runs) return;
    if (!(await queue.list()).some(({ state }) => state === 'waiting')) return;
    let count = 0;
    this.#working = queue
      .runAll({
        signal: this.#closing.signal,
        mayGoOn: () => count++ === 0,
        onItem: () => this.#listener.onQueueChanged(),
        onWait: this.#listener.onNotice,
      })
      .then(() => {})
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#working = null;
        this.#listener.onQueueChanged();
        this.look();
      });
  }

  /** The queue is not held by it: it waits for the loan's end. */
  async #pauseForLoan(run: string): Promise<void> {
    const found = this.#live.get(run);
    found?.end('paused');
    await found?.active.result.catch(() => {});
  }

  async #goOnAfterLoan(run: string): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await this.#services.runs.resume(run).catch((error: unknown) => this.#tell(error));
  }

  /** Interactive work gives way; a run that has just finished still holds the device for the moment that its process takes to go. */
  async #freeDevice(resumed?: string): Promise<void> {
    await this.#loans.callIn(resumed);
    const ending = [...this.#live.values()].filter((run) => run.isEnding());
    await Promise.allSettled(ending.map(({ active }) => active.result));
  }

  async #isQueued(run: string): Promise<boolean> {
    return (await this.#services.queue.list()).some(({ run_id, state }) => run_id === run && state === 'running');
  }

  async #explainNotHere(run: string): Promise<AppError> {
    const found = await this.#services.library.summary(run);
    const isElsewhere = found?.state === 'running' || found?.state === 'preparing';
    const name = found ? `"${found.name}"` : run;
    if (!isElsewhere) return new AppError('run/not-here', `The run ${name} is not at work`, { hint: 'Look again.' });
    return new AppError('run/not-here', `The run ${name} is at work in another program`, {
      hint: 'End it there, for instance with Ctrl-C in the terminal that it was started from.',
    });
  }

  #tell(error: unknown): void {
    if (error instanceof Interrupted || this.#closing.signal.aborted) return;
    this.#listener.onNotice(toNotice(error));
  }

  /** It looks again every few seconds; a disk that stays full is told once. */
  #tellOnce(error: unknown): void {
    const { message } = toNotice(error);
    if (message !== this.#trouble) this.#tell(error);
    this.#trouble = message;
  }
}

function describeItem(item: QueueRecord, run_state: RunRecord['state'] | null): QueueItem {
  const { id, name, state, run_id, error_message, added_at } = item;
  const { method_summary, model_name, data_summary } = describeConfig(parseRunConfig(JSON.parse(item.config_json)));
  const about = { method_summary, model_name, data_summary };
  return { id, name, state, run_id, run_state, error_message, added_at, ...about };
}

function describeSeen({ state, step, epoch }: RunRecord): string {
  return `${state} ${step} ${epoch}`;
}
