/**
 * @file Something that the person has measured on the device: about one subject, and no longer true once the subject is another one.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { TaskKind, TaskResults, TaskStarted } from '../../src-shared/domain/tasks.ts';
import { LatestTask } from './latest-task.svelte.ts';

interface Question<Subject> {
  readonly subject: Subject;
  readonly pauseRunning: boolean;
}

export class Measurement<Kind extends TaskKind, Subject> {
  readonly task: LatestTask<Kind, Question<Subject>>;
  #measured = $state('');

  /** @param start begins the work; with `pauseRunning` a training makes room for its time */
  constructor(client: Client, start: (subject: Subject, pauseRunning: boolean) => Promise<TaskStarted<Kind>>) {
    this.task = new LatestTask(client, ({ subject, pauseRunning }) => start(subject, pauseRunning));
  }

  async measure(subject: Subject, pauseRunning: boolean): Promise<void> {
    this.#measured = JSON.stringify(subject);
    await this.task.ask({ subject, pauseRunning }, true);
  }

  /** What was measured, null where it was not, or of another subject. */
  resultOf(subject: Subject): TaskResults[Kind] | null {
    return this.#isOf(subject) ? this.task.result : null;
  }

  failureOf(subject: Subject): PlainError | null {
    return this.#isOf(subject) ? this.task.failure : null;
  }

  /** Ends the work; what was measured is forgotten. */
  clear(): void {
    this.#measured = '';
    this.task.clear();
  }

  #isOf(subject: Subject): boolean {
    return this.#measured === JSON.stringify(subject);
  }
}
