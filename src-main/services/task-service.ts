/**
 * @file Work that takes longer than a click, kept so that a window that was closed or reloaded finds it again.
 */
import { AppError, Interrupted, toPlainError } from '../../src-shared/domain/app-error.ts';
import type { Task, TaskKind, TaskResults, TaskStarted } from '../../src-shared/domain/tasks.ts';
import { toFailure } from '../jobs/failure.ts';

export interface TaskControl {
  /** Aborted when the person, or the end of the program, asks to stop. */
  readonly signal: AbortSignal;
  /** @param fraction 0 to 1, null where the end is not known */
  readonly progress: (phase: string, fraction: number | null) => void;
}

export interface TaskService {
  start<Kind extends TaskKind>(
    kind: Kind,
    subject: string,
    work: (control: TaskControl) => Promise<TaskResults[Kind]>,
  ): TaskStarted<Kind>;
  /** Latest first. */
  list(): Task[];
  /** @throws task/unknown */
  get(id: string): Task;
  cancel(id: string): void;
  /** Cancels all and waits for their ends. */
  close(): Promise<void>;
}

interface HeldTask {
  task: Task;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/** Tasks that have ended and are still known. */
const KEPT = 30;
const PROGRESS_EVERY_MS = 100;

/** @param onChange told of every task that begins, moves on (at most ten times a second) or ends */
export function createTaskService(onChange: (task: Task) => void): TaskService {
  const held = new Map<string, HeldTask>();

  function change(id: string, changes: Partial<Task>): void {
    const known = held.get(id);
    if (!known) return;
    known.task = { ...known.task, ...changes };
    onChange(known.task);
  }

  function forgetOld(): void {
    const ended = [...held.values()].filter(({ task }) => task.state !== 'running');
    for (const { task } of ended.slice(0, Math.max(0, ended.length - KEPT))) held.delete(task.id);
  }

  function find(id: string): HeldTask {
    const known = held.get(id);
    if (known) return known;
    throw new AppError('task/unknown', 'This work is not known any more', { hint: 'Start it again.' });
  }

  return {
    start(kind, subject, work) {
      const id = crypto.randomUUID();
      const stopping = new AbortController();
      let lastMs = -Infinity;
      const progress = (phase: string, fraction: number | null) => {
        const nowMs = performance.now();
        const isNews = held.get(id)?.task.phase !== phase && fraction === null;
        if (!isNews && nowMs - lastMs < PROGRESS_EVERY_MS) return;
        lastMs = nowMs;
        change(id, { phase, fraction });
      };
      const begun = Promise.resolve().then(() => work({ signal: stopping.signal, progress }));
      const ended = begun.then(
        (result) => change(id, { state: 'done', result, fraction: 1, ended_at: Date.now() }),
        (error: unknown) => change(id, describeFailure(error)),
      );
      const times = { started_at: Date.now(), ended_at: null };
      const task = { id, kind, subject, state: 'running', phase: '', fraction: null, ...times } as const;
      held.set(id, { task: { ...task, result: null, error: null }, stopping, ended: ended.finally(forgetOld) });
      change(id, {});
      return { task: id, kind };
    },
    list: () => [...held.values()].map(({ task }) => task).reverse(),
    get: (id) => find(id).task,
    cancel: (id) => find(id).stopping.abort(),
    async close() {
      for (const { stopping } of held.values()) stopping.abort();
      await Promise.all([...held.values()].map(({ ended }) => ended));
    },
  };
}

function describeFailure(error: unknown): Partial<Task> {
  const ended_at = Date.now();
  if (error instanceof Interrupted) return { state: 'cancelled', ended_at };
  const failure = toFailure(error);
  const plain =
    failure.kind === 'expected'
      ? failure.error
      : toPlainError(new AppError('internal/bug', failure.message, { kind: 'environment', cause: error }));
  return { state: 'failed', ended_at, error: plain };
}
