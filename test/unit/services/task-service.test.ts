import { describe, expect, it } from 'vitest';
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { Task } from '../../../src-shared/domain/tasks.ts';
import { createTaskService } from '../../../src-main/services/task-service.ts';

function open() {
  const told: Task[] = [];
  const tasks = createTaskService((task) => told.push(task));
  const untilEnd = async (id: string): Promise<Task> => {
    while (tasks.get(id).state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    return tasks.get(id);
  };
  return { told, tasks, untilEnd };
}

describe('a task', () => {
  it('tells its beginning, its phases and its end with the result', async () => {
    const { told, tasks, untilEnd } = open();
    const { task } = tasks.start('installEngine', 'TensorFlow', async ({ progress }) => {
      progress('Fetching', null);
      progress('Unpacking', null);
      return null;
    });
    expect(await untilEnd(task)).toMatchObject({ state: 'done', result: null, fraction: 1, error: null });
    expect(told.map(({ phase }) => phase)).toEqual(['', 'Fetching', 'Unpacking', 'Unpacking']);
  });

  it('tells numbers at most ten times a second', async () => {
    const { told, tasks, untilEnd } = open();
    const { task } = tasks.start('installEngine', 'x', async ({ progress }) => {
      for (let done = 0; done < 1000; done++) progress('Fetching', done / 1000);
      return null;
    });
    await untilEnd(task);
    expect(told.length).toBeLessThan(5);
  });

  it('says what went wrong: a fault of the person, a stop, a bug of ours', async () => {
    const { tasks, untilEnd } = open();
    const failing = (error: Error) => untilEnd(tasks.start('installEngine', 'x', () => Promise.reject(error)).task);
    expect(await failing(new AppError('data/empty', 'no rows'))).toMatchObject({
      state: 'failed',
      error: { code: 'data/empty', message: 'no rows' },
    });
    expect(await failing(new Interrupted())).toMatchObject({ state: 'cancelled', error: null });
    expect(await failing(new TypeError('x is undefined'))).toMatchObject({
      state: 'failed',
      error: { code: 'internal/bug' },
    });
  });

  it('is cancelled through its signal, all of them at the end', async () => {
    const { tasks, untilEnd } = open();
    const wait = ({ signal }: { signal: AbortSignal }) =>
      new Promise<null>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Interrupted())));
    const [first, second] = [tasks.start('installEngine', 'a', wait), tasks.start('installEngine', 'b', wait)];
    await Promise.resolve();
    tasks.cancel(first.task);
    expect(await untilEnd(first.task)).toMatchObject({ state: 'cancelled' });
    expect(tasks.get(second.task).state).toBe('running');
    await tasks.close();
    expect(tasks.get(second.task).state).toBe('cancelled');
  });

  it('is forgotten when many others have ended since', async () => {
    const { tasks, untilEnd } = open();
    const ids: string[] = [];
    for (let count = 0; count < 40; count++) {
      ids.push(tasks.start('installEngine', String(count), () => Promise.resolve(null)).task);
      await untilEnd(ids.at(-1) ?? '');
    }
    expect(tasks.list().length).toBeLessThanOrEqual(31);
    expect(tasks.list()[0]?.id).toBe(ids.at(-1));
    expect(() => tasks.get(ids[0] ?? '')).toThrow(expect.objectContaining({ code: 'task/unknown' }));
  });
});
