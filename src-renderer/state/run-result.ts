/**
 * @file What a run brought: the first and the best check, and the same questions answered before and after.
 */
import type { EvaluationRecord, SampleRecord } from '../../src-shared/domain/history.ts';
import { bestEvaluation } from './run-series.ts';

export interface EvalChange {
  readonly first: EvaluationRecord;
  readonly best: EvaluationRecord;
  /** Share by which the loss fell, 0 where it did not. */
  readonly gain: number;
}

/** @returns null without any evaluation */
export function findEvalChange(evaluations: readonly EvaluationRecord[]): EvalChange | null {
  const [first] = [...evaluations].sort((a, b) => a.step - b.step);
  const best = bestEvaluation(evaluations);
  if (!first || !best) return null;
  const isComparable = Number.isFinite(first.eval_loss);
  return { first, best, gain: isComparable ? Math.max(0, 1 - best.eval_loss / first.eval_loss) : 0 };
}

/** The figure that says most: how often a classifier is right; else how wrong the model is on average. */
export interface Headline {
  /** `accuracy`, or `loss`. */
  readonly name: string;
  readonly first: number;
  readonly best: number;
  /** Better by this: points of accuracy (0 to 1), or the share by which the loss fell. 0 where it is not. */
  readonly gain: number;
}

export function headlineOf({ first, best, gain }: EvalChange): Headline {
  const [before, after] = [first.metrics['accuracy'], best.metrics['accuracy']];
  if (before === undefined || after === undefined) {
    return { name: 'loss', first: first.eval_loss, best: best.eval_loss, gain };
  }
  return { name: 'accuracy', first: before, best: after, gain: Math.max(0, after - before) };
}

/** All the others of a check, from the first to the best. */
export function otherFigures({ first, best }: EvalChange, headline: Headline): Omit<Headline, 'gain'>[] {
  const loss = { name: 'loss', first: first.eval_loss, best: best.eval_loss };
  const named = Object.entries(best.metrics).map(([name, value]) => ({
    ...{ name, best: value },
    first: first.metrics[name] ?? value,
  }));
  return [...named, loss].filter(({ name }) => name !== headline.name);
}

export interface AnswerChange {
  readonly prompt: string;
  readonly expected: string | null;
  readonly before: SampleRecord;
  /** null where it was asked once only. */
  readonly after: SampleRecord | null;
}

/** Earliest and latest answer to each prompt, in the order in which they were asked. */
export function findAnswerChanges(samples: readonly SampleRecord[]): AnswerChange[] {
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  return prompts.flatMap((prompt) => {
    const told = samples.filter((sample) => sample.prompt === prompt).sort((a, b) => a.step - b.step);
    const [before] = told;
    const after = told.at(-1);
    if (!before || !after) return [];
    return [{ prompt, expected: after.expected, before, after: after === before ? null : after }];
  });
}

export function isAsWanted({ answer, expected }: SampleRecord): boolean {
  return expected !== null && answer.trim() === expected.trim();
}
