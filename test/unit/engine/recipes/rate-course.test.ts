/** @file What happens to the learning rate of a run that is given more steps. */
import { expect, it } from 'vitest';
import { planCourse, rateOf } from '../../../../src-main/engine/recipes/rate-course.ts';
import { startProgress } from '../../../../src-main/engine/recipes/run-progress.ts';
import type { TrainingConfig } from '../../../../src-shared/schema/run-config.ts';

type Type = TrainingConfig['lr_scheduler_type'];

function rates(type: Type, plans: readonly (readonly [totalSteps: number, until: number])[]): number[] {
  const training = {
    learning_rate: 1,
    lr_scheduler_type: type,
    lr_scheduler_kwargs: {},
    warmup_ratio: 0.2,
    warmup_steps: 0,
  } as unknown as TrainingConfig;
  const progress = startProgress();
  const seen: number[] = [];
  for (const [totalSteps, until] of plans) {
    planCourse(progress, totalSteps, type);
    const rate = rateOf(training, progress.course!);
    for (; progress.step < until; progress.step += 1) seen.push(rate(progress.step));
  }
  return seen;
}

it('a finished run begins a new course over the new steps', () => {
  const once = rates('linear', [[10, 10]]);
  expect(once.slice(0, 3)).toEqual([0, 0.5, 1]);
  expect(
    rates('linear', [
      [10, 10],
      [20, 20],
    ]),
  ).toEqual([...once, ...once]);
});

it('a run under way has its course stretched, as if it had been planned so', () => {
  const straight = rates('cosine', [[20, 20]]);
  const stretched = rates('cosine', [
    [10, 6],
    [20, 20],
  ]);
  expect(stretched.slice(6)).toEqual(straight.slice(6));
});

it.each(['constant', 'constant_with_warmup', 'inverse_sqrt'] as const)('%s goes on as it was', (type) => {
  const found = rates(type, [
    [10, 10],
    [40, 40],
  ]);
  expect(found.slice(0, 10)).toEqual(rates(type, [[10, 10]]));
  const steps = found.slice(3).map((rate, index) => rate - found[index + 2]!);
  expect(Math.max(...steps)).toBeLessThanOrEqual(0);
  expect(found[39]).toBe(type === 'inverse_sqrt' ? 1 / Math.sqrt(39 / 2) : 1);
});

it('the same plan changes nothing, another one starts patience anew and says so', () => {
  const progress = { ...startProgress(), step: 10, evals_without_gain: 2 };
  expect(planCourse(progress, 10, 'linear')).toBeNull();
  expect(planCourse(progress, 10, 'linear')).toBeNull();
  expect(progress.evals_without_gain).toBe(2);
  expect(planCourse(progress, 15, 'linear')?.message).toContain('begins a new linear course at step 10');
  expect(progress.course).toEqual({ start: 10, end: 15, planned: 15 });
  expect(progress.evals_without_gain).toBe(0);
});
