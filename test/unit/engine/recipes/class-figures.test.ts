import { describe, expect, it } from 'vitest';
import {
  figuresOfClasses,
  figuresOfClassSets,
  figuresOfNumbers,
} from '../../../../src-main/engine/recipes/class-figures.ts';

/** Expected values from scikit-learn 1.9.1 (accuracy_score, f1_score with average macro and weighted, zero_division 0). */
describe('figures of classes', () => {
  it('are those of scikit-learn, classes that never occur left out', () => {
    const expected = [0, 0, 1, 1, 2, 2, 2, 4];
    const found = [0, 1, 1, 1, 2, 0, 4, 4];
    expect(figuresOfClasses(expected, found, 6)).toEqual({
      accuracy: 0.625,
      f1: expect.closeTo(0.6166666666666667, 12),
      f1_weighted: expect.closeTo(0.5958333333333333, 12),
    });
  });

  it('count a class that is only found, and give 0 where nothing is right', () => {
    expect(figuresOfClasses([0, 0], [1, 1], 2)).toEqual({ accuracy: 0, f1: 0, f1_weighted: 0 });
    expect(figuresOfClasses([0, 0, 0], [0, 0, 1], 3).f1).toBeCloseTo(0.4, 12);
  });

  it('count every class of a row where several can hold', () => {
    const expected = [
      [1, 0, 1],
      [0, 1, 0],
      [1, 1, 0],
      [0, 0, 0],
    ];
    const found = [
      [1, 0, 1],
      [0, 1, 1],
      [1, 0, 0],
      [0, 0, 0],
    ];
    expect(figuresOfClassSets(expected, found)).toEqual({
      accuracy: 0.5,
      f1: expect.closeTo(0.7777777777777777, 12),
      f1_weighted: expect.closeTo(0.8, 12),
    });
  });
});

describe('figures of numbers', () => {
  it('are mean errors and Pearson’s correlation', () => {
    const { mse, mae, r } = figuresOfNumbers([1, 2, 3, 4], [1.5, 1.5, 3.5, 5]);
    expect(mse).toBeCloseTo(0.4375, 12);
    expect(mae).toBeCloseTo(0.625, 12);
    expect(r).toBeCloseTo(0.9483040522636019, 12);
    expect(figuresOfNumbers([1, 2], [3, 3]).r).toBe(0);
  });
});
