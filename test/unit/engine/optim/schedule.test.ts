/**
 * @file Learning rates against values worked out by hand from the formulas of transformers.optimization. (test/interop compares whole
 * runs with transformers itself.)
 */
import { describe, expect, it } from 'vitest';
import { makeSchedule } from '../../../../src-main/engine/optim/schedule.ts';
import type { TrainingConfig } from '../../../../src-shared/schema/run-config.ts';

const RATE = 0.01;
const TOTAL = 20;

interface Case {
  readonly type: TrainingConfig['lr_scheduler_type'];
  readonly warmup?: number;
  readonly settings?: Readonly<Record<string, number>>;
  /** Steps done -> share of the rate. */
  readonly shares: Readonly<Record<number, number>>;
}

const HALF = Math.SQRT1_2;
const CASES: Case[] = [
  { type: 'constant', warmup: 4, shares: { 0: 1, 3: 1, 25: 1 } },
  { type: 'constant_with_warmup', warmup: 4, shares: { 0: 0, 1: 1 / 4, 3: 3 / 4, 4: 1, 30: 1 } },
  { type: 'linear', shares: { 0: 1, 5: 3 / 4, 19: 1 / 20, 20: 0, 25: 0 } },
  { type: 'linear', warmup: 4, shares: { 0: 0, 2: 1 / 2, 4: 1, 12: 1 / 2, 19: 1 / 16, 20: 0 } },
  // Half a cosine: 1/2 (1 + cos(pi p)).
  { type: 'cosine', shares: { 0: 1, 5: (1 + HALF) / 2, 10: 1 / 2, 15: (1 - HALF) / 2, 20: 0 } },
  { type: 'cosine', warmup: 4, shares: { 1: 1 / 4, 4: 1, 8: (1 + HALF) / 2, 12: 1 / 2, 20: 0 } },
  // One and a half waves end at zero: 1/2 (1 + cos(3 pi p)).
  { type: 'cosine', settings: { num_cycles: 1.5 }, shares: { 0: 1, 5: (1 - HALF) / 2, 10: 1 / 2, 20: 0 } },
  { type: 'cosine_with_restarts', shares: { 0: 1, 10: 1 / 2, 20: 0 } },
  { type: 'cosine_with_restarts', settings: { num_cycles: 2 }, shares: { 0: 1, 5: 1 / 2, 10: 1, 15: 1 / 2, 20: 0 } },
  { type: 'polynomial', settings: { lr_end: 0.001 }, shares: { 0: 1, 10: 0.55, 20: 0.1, 25: 0.1 } },
  { type: 'polynomial', settings: { lr_end: 0.001, power: 2 }, shares: { 0: 1, 10: 0.1 + 0.9 / 4, 20: 0.1 } },
  { type: 'polynomial', shares: { 0: 1, 20: 1e-7 / RATE } },
  { type: 'inverse_sqrt', warmup: 4, shares: { 0: 0, 2: 1 / 2, 4: 1, 16: 1 / 2 } },
  { type: 'inverse_sqrt', warmup: 4, settings: { timescale: 12 }, shares: { 4: 1, 40: 1 / 2 } },
  { type: 'inverse_sqrt', shares: { 0: 1, 30_000: 1 / 2 } },
];

const configOf = (settings: Partial<TrainingConfig>): TrainingConfig =>
  ({
    ...{ learning_rate: RATE, lr_scheduler_type: 'linear', lr_scheduler_kwargs: {} },
    ...{ warmup_steps: 0, warmup_ratio: 0, ...settings },
  }) as TrainingConfig;

describe('rates', () => {
  it.each(CASES)('$type, warm-up $warmup, $settings', ({ type, warmup = 0, settings = {}, shares }) => {
    const training = configOf({ lr_scheduler_type: type, lr_scheduler_kwargs: settings, warmup_steps: warmup });
    const rate = makeSchedule(training, TOTAL);
    for (const [done, share] of Object.entries(shares)) {
      expect(rate(Number(done)), `after ${done} steps`).toBeCloseTo(RATE * share, 12);
    }
  });
});

describe('warm-up', () => {
  it('by ratio is rounded up to whole steps, and gives way to steps', () => {
    const byRatio = makeSchedule(configOf({ warmup_ratio: 0.11 }), TOTAL);
    expect(byRatio(1)).toBeCloseTo(RATE / 3, 12);
    expect(byRatio(3)).toBeCloseTo(RATE, 12);
    const both = makeSchedule(configOf({ warmup_ratio: 0.11, warmup_steps: 10 }), TOTAL);
    expect(both(5)).toBeCloseTo(RATE / 2, 12);
  });

  it('may be as long as the run', () => {
    const rate = makeSchedule(configOf({ warmup_steps: TOTAL }), TOTAL);
    expect([rate(0), rate(10), rate(20)]).toEqual([0, RATE / 2, 0]);
  });
});
