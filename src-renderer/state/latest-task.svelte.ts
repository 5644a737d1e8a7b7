/**
 * @file A question to core that takes a while and is asked anew whenever its circumstances change: one at a time, the latest wins.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { MethodInput } from '../../src-shared/contract/contract.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { TaskKind, TaskResults, TaskStarted } from '../../src-shared/domain/tasks.ts';
import { isCancelled, toFailure } from './failure.ts';

export class LatestTask<Kind extends TaskKind, Question> {
  /** The last answer; it stays while a new one is worked out. */
  result = $state.raw<TaskResults[Kind] | null>(null);
  failure = $state.raw<PlainError | null>(null);
  working = $state(false);
  phase = $state('');
  fraction = $state<number | null>(null);
  /** What `result` or `failure` answers, or what is being worked out. */
  asked = $state('');
  readonly #client: Client;
  readonly #start: (question: Question) => Promise<TaskStarted<Kind>>;
  #task: string | null = null;

  constructor(client: Client, start: (question: Question) => Promise<TaskStarted<Kind>>) {
    this.#client = client;
    this.#start = start;
  }

  /** Asks only where the question is another one, or `anew`. */
  async ask(question: Question, anew = false): Promise<void> {
    const asked = JSON.stringify(question);
    if (asked === this.asked && !anew) return;
    this.#cancel();
    this.asked = asked;
    this.working = true;
    this.failure = null;
    try {
      const started = await this.#start(question);
      if (asked !== this.asked) return;
      this.#task = started.task;
      const result = await this.#client.follow(started, ({ phase, fraction }) => {
        if (asked !== this.asked) return;
        this.phase = phase;
        this.fraction = fraction;
      });
      if (asked === this.asked) this.result = result;
    } catch (error) {
      const failure = toFailure(error);
      if (asked !== this.asked || isCancelled(failure)) return;
      this.failure = failure;
      this.result = null;
    } finally {
      if (asked === this.asked) this.#end();
    }
  }

  clear(): void {
    this.#cancel();
    this.asked = '';
    this.result = null;
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

export type Inspection = LatestTask<'inspectData', MethodInput<'data:inspect'>>;

/** Looks through data files. */
export function createInspection(client: Client): Inspection {
  return new LatestTask(client, (question) => client.call('data:inspect', question));
}

export type ExactPlan = LatestTask<'planRun', MethodInput<'config:plan'>>;

/** Works out what a run would be, as the engine will. */
export function createExactPlan(client: Client): ExactPlan {
  return new LatestTask(client, (question) => client.call('config:plan', question));
}
