/**
 * @file What is measured beside the loss while a run is checked, by what it learns to do; the best checkpoint may be chosen by any of it.
 */
import type { ProblemType, TaskType } from '../schema/run-config.ts';

export type CheckedFigures = Readonly<Record<string, 'higher' | 'lower'>>;

/** Of models that write. */
export const WRITTEN_FIGURES: CheckedFigures = { perplexity: 'lower', mean_token_accuracy: 'higher' };

const CLASS_FIGURES: CheckedFigures = { accuracy: 'higher', f1: 'higher', f1_weighted: 'higher' };

/** Of models that sort texts, or foretell a number. */
export const SORTED_FIGURES: Readonly<Record<ProblemType, CheckedFigures>> = {
  single_label_classification: CLASS_FIGURES,
  multi_label_classification: CLASS_FIGURES,
  regression: { mse: 'lower', mae: 'lower', r: 'higher' },
};

/** Modules that are a classifier's head, over all families of models. */
export const CLASS_HEADS: readonly string[] = ['score', 'classifier', 'pre_classifier'];

/** The figure that a metric names; the Trainer puts `eval_` before each. */
export function figureOf(metric: string): string {
  return metric.replace(/^eval_/, '');
}

/** @param problem null = not known yet: of any classifier */
export function isChecked(metric: string, task: TaskType, problem: ProblemType | null): boolean {
  const sorted = problem === null ? Object.values(SORTED_FIGURES) : [SORTED_FIGURES[problem]];
  const name = figureOf(metric);
  return name === 'loss' || (task === 'SEQ_CLS' ? sorted : [WRITTEN_FIGURES]).some((figures) => name in figures);
}
