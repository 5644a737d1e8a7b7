/**
 * @file From a classifier's scores to what it says: probabilities, the class or classes that it chooses, a number.
 */
import type { ClassSet } from '../data/class-labels.ts';

/** Probabilities of all classes in the order of their ids: softmax, or each by itself where several can hold. */
export function probabilitiesOf({ problemType }: ClassSet, logits: ArrayLike<number>): number[] {
  const scores = Array.from(logits);
  if (problemType === 'regression') return scores;
  if (problemType === 'multi_label_classification') return scores.map((score) => 1 / (1 + Math.exp(-score)));
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => Math.exp(score - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Ids of the classes that are chosen. */
export function chosenClasses({ problemType }: ClassSet, logits: ArrayLike<number>): number[] {
  const scores = Array.from(logits);
  if (problemType === 'multi_label_classification') return scores.flatMap((score, id) => (score > 0 ? [id] : []));
  return [scores.indexOf(scores.reduce((a, b) => Math.max(a, b), -Infinity))];
}

/** What the classifier says, in words. */
export function answerOf(classes: ClassSet, logits: ArrayLike<number>): string {
  if (classes.problemType === 'regression') return Array.from(logits, (value) => value.toPrecision(4)).join(', ');
  const chosen = chosenClasses(classes, logits);
  return chosen.length === 0 ? '(none)' : chosen.map((id) => classes.names[id]!).join(', ');
}

/** A row's target in the same words. */
export function expectedOf({ problemType, names }: ClassSet, target: number | readonly number[]): string {
  if (typeof target === 'number') return problemType === 'regression' ? String(target) : names[target]!;
  const chosen = target.flatMap((value, id) => (value === 1 ? [names[id]!] : []));
  return chosen.length === 0 ? '(none)' : chosen.join(', ');
}
