/**
 * @file What is at work now: runs, and tasks such as installing or exporting. It outlives views and reloads, since core knows it.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { ActiveRunState } from '../../src-shared/domain/run-views.ts';
import type { Task } from '../../src-shared/domain/tasks.ts';

const ENDED = ['paused', 'stopped', 'interrupted', 'finished', 'failed'];

export class Activity {
  runs = $state.raw<readonly ActiveRunState[]>([]);
  tasks = $state.raw<readonly Task[]>([]);
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    client.on('run:progressed', (state) => this.#put(state));
    client.on('run:changed', ({ id, state }) => {
      if (ENDED.includes(state)) this.runs = this.runs.filter(({ run }) => run !== id);
    });
    client.on('task:changed', (task) => {
      this.tasks = [task, ...this.tasks.filter(({ id }) => id !== task.id)];
    });
  }

  /** The run of that id, if it is at work. */
  find(run: string): ActiveRunState | null {
    return this.runs.find((state) => state.run === run) ?? null;
  }

  async refresh(): Promise<void> {
    [this.runs, this.tasks] = await Promise.all([
      this.#client.call('runs:listActive', {}),
      this.#client.call('tasks:list', {}),
    ]);
  }

  #put(state: ActiveRunState): void {
    const known = this.runs.some(({ run }) => run === state.run);
    this.runs = known ? this.runs.map((run) => (run.run === state.run ? state : run)) : [...this.runs, state];
  }
}

/** How far a run is: its steps, or the work before the first one. */
export function fractionOf({ step, total_steps, phase_fraction }: ActiveRunState): number | null {
  if (total_steps === null || step === 0) return phase_fraction;
  return step / total_steps;
}
