/**
 * @file What a model is worth on a file of rows: its figures, and the answers that were not the wanted ones.
 */

import type { TaskType } from '../schema/run-config.ts';

/** Masked language models are measured and never trained as such. */
export type EvaluatedTask = TaskType | 'MASKED_LM';

/** One written answer beside the wanted one. */
export interface JudgedAnswer {
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
}

/** A model on some rows, and beside it the model that it was made from. */
export interface ComparedEvaluation {
  readonly report: EvaluationReport;
  /** null where it was not asked for, or where the subject is no tuned one. */
  readonly base: EvaluationReport | null;
}

export interface EvaluationReport {
  readonly task_type: EvaluatedTask;
  readonly eval_loss: number;
  /** null where there is no such figure: for classifiers and masked words. */
  readonly perplexity: number | null;
  /** Tokens with a label. */
  readonly tokens: number;
  readonly rows: number;
  /** exact_match and whatever else was measured, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Answers that were written; 0 where none were asked for. */
  readonly answered: number;
  readonly wrong_count: number;
  /** The first wrong ones, in the order of the rows. */
  readonly wrong: readonly JudgedAnswer[];
}
