/**
 * @file A job's progress events as the progress of a task.
 */
import type { TimedRunEvent } from '../../../src-shared/domain/run-views.ts';
import type { TaskControl } from '../../services/task-service.ts';

export function progressOf(progress: TaskControl['progress']): (event: TimedRunEvent) => void {
  return (event) => {
    if (event.event === 'progress') progress(event.phase, event.fraction);
  };
}
