/**
 * @file Installing an engine: a task of core's that goes on when the view is left and is found again when one comes back.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { Task } from '../../src-shared/domain/tasks.ts';
import type { Engine } from './engine.svelte.ts';
import { isCancelled, toFailure } from './failure.ts';

export class EngineInstall {
  failure = $state.raw<PlainError | null>(null);
  done = $state(false);
  readonly #client: Client;
  readonly #engine: Engine;

  constructor(client: Client, engine: Engine) {
    this.#client = client;
    this.#engine = engine;
  }

  async start(cuda: boolean): Promise<void> {
    this.failure = null;
    this.done = false;
    try {
      await this.#client.follow(await this.#client.call('engine:install', { cuda }));
      this.done = true;
      await this.#engine.refresh();
    } catch (error) {
      const failure = toFailure(error);
      if (!isCancelled(failure)) this.failure = failure;
    }
  }

  async cancel(task: string): Promise<void> {
    await this.#client.call('tasks:cancel', { task });
  }
}

/** The installation at work, if there is one. */
export function findInstallation(tasks: readonly Task[]): Task | null {
  return tasks.find(({ kind, state }) => kind === 'installEngine' && state === 'running') ?? null;
}
