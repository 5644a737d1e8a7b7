/**
 * @file What was measured beside loss and perplexity.
 */
import type { ComparedEvaluation } from '../../src-shared/domain/evaluation.ts';

/** Names of all figures, in the order in which they were told. */
export function metricNames({ report, base }: ComparedEvaluation): string[] {
  return [...new Set([report, ...(base ? [base] : [])].flatMap(({ metrics }) => Object.keys(metrics)))];
}
