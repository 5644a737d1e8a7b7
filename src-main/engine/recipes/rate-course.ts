/**
 * @file Over which steps the learning rate runs its course, also where a run is given more steps than it was planned for.
 *
 * A finished run that goes on begins a new course, with its own warm-up, over the steps that are new: going on with the old course
 * would mean to start from a rate of nothing. A run that is still under way has its course stretched. Schedules that know no end
 * (constant, inverse_sqrt) go on as they are. The course is part of each checkpoint, so a resumed run has the same rates.
 */
import type { TrainingConfig } from '../../../src-shared/schema/run-config.ts';
import { makeNotice, type Told } from '../../../src-shared/domain/notices.ts';
import { makeSchedule, type Schedule } from '../optim/schedule.ts';
import type { RunProgress } from './run-progress.ts';

/** Steps `start` to `end` of a run that has `planned` steps in all. */
export type RateCourse = NonNullable<RunProgress['course']>;

const ENDLESS: readonly TrainingConfig['lr_scheduler_type'][] = ['constant', 'constant_with_warmup', 'inverse_sqrt'];

/**
 * Fits the progress to a plan of `totalSteps`, which may be another one than it was made with; patience begins anew where it is.
 * @returns what to tell the person, null where the plan is the same
 */
export function planCourse(
  progress: RunProgress,
  totalSteps: number,
  type: TrainingConfig['lr_scheduler_type'],
): Told<'train/plan-changed'> | null {
  const { course, step } = progress;
  if (course === null) {
    progress.course = { start: 0, end: totalSteps, planned: totalSteps };
    return null;
  }
  if (course.planned === totalSteps) return null;
  progress.evals_without_gain = 0;
  const tell = (goesOn: 'endless' | 'begun' | 'ends', how: string): Told<'train/plan-changed'> => {
    const values = { before: course.planned, now: totalSteps, course: goesOn, step };
    return makeNotice('train/plan-changed', values, `${went}; ${how}.`);
  };
  const went = `The run was planned for ${course.planned} steps and now has ${totalSteps}`;
  if (ENDLESS.includes(type)) {
    progress.course = { ...course, planned: totalSteps };
    return tell('endless', 'the learning rate goes on as before');
  }
  const isOver = step >= course.end;
  progress.course = { start: isOver ? step : course.start, end: totalSteps, planned: totalSteps };
  return isOver
    ? tell('begun', `the learning rate begins a new ${type} course at step ${step}`)
    : tell('ends', `the ${type} course of the learning rate now ends at step ${totalSteps}`);
}

/** Learning rate of the step that comes after `done` steps of the run. */
export function rateOf(training: TrainingConfig, { start, end }: RateCourse): Schedule {
  const schedule = makeSchedule(training, end - start);
  return (done) => schedule(done - start);
}
