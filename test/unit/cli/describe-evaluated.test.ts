/**
 * @file The figures of an evaluation for people: what was measured is named, and a masked language model's loss is not taken for another.
 */
import { expect, it } from 'vitest';
import { describeEvaluated } from '../../../src-main/cli/describe-evaluated.ts';

const measured = { eval_loss: 2, rows: 3, tokens: 40, answers: [] };

it('of masked words are named as such, with the seed of the masks', () => {
  const metrics = { pseudo_perplexity: Math.exp(2), masked_accuracy: 0.25 };
  const text = describeEvaluated({ ...measured, task_type: 'MASKED_LM', perplexity: null, metrics }, 7);
  expect(text.split('\n').slice(0, 5)).toEqual([
    'Loss on masked tokens               2',
    'Pseudo-perplexity of masked tokens  7.389',
    'Masked tokens found                 0.25',
    'Rows                                3',
    'Masked tokens                       40',
  ]);
  expect(text).toMatch(/chosen by seed 7 .*80 % masked, 10 % replaced at random, 10 % left/);
  expect(text).toMatch(/pseudo-perplexity says nothing beside the perplexity of a model that writes/);
});

it('of a classifier are accuracy and F1, and there are no tokens', () => {
  const metrics = { accuracy: 0.5, f1: 0.4, f1_weighted: 0.45 };
  const text = describeEvaluated({ ...measured, task_type: 'SEQ_CLS', perplexity: null, metrics }, 1);
  expect(text.split('\n').map((line) => line.replace(/ {2,}/, ': '))).toEqual([
    'Loss: 2',
    'Accuracy: 0.5',
    'F1, mean of the classes (macro): 0.4',
    'F1, weighted by rows: 0.45',
    'Rows: 3',
  ]);
});

it('of a model that writes have its perplexity', () => {
  const text = describeEvaluated({ ...measured, task_type: 'CAUSAL_LM', perplexity: 7.3, metrics: {} }, 1);
  expect(text).toMatch(/^Loss +2\nPerplexity +7\.3\nRows +3\nTokens +40$/);
});
