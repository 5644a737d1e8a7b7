/**
 * @file Figures of runs as curves: over steps, tokens or time.
 */
import type { EvaluationRecord } from '../../src-shared/domain/history.ts';
import type { MetricName, RunMetrics } from './run-metrics.ts';

export const X_AXES = ['step', 'tokens', 'elapsed_ms'] as const;
export type XAxis = (typeof X_AXES)[number];

export interface Curve {
  readonly xs: Float64Array | readonly number[];
  readonly ys: Float64Array | readonly number[];
}

export function curveOf(metrics: RunMetrics, name: MetricName, axis: XAxis = 'step'): Curve {
  return { xs: metrics.column(axis), ys: metrics.column(name) };
}

/** Evaluations know their step; tokens and time are those of the step figure at or before it. */
export function evaluationCurve(
  evaluations: readonly EvaluationRecord[],
  metrics: RunMetrics,
  axis: XAxis = 'step',
): Curve {
  const sorted = [...evaluations].sort((a, b) => a.step - b.step);
  const xs = sorted.map(({ step }) => (axis === 'step' ? step : valueAtStep(metrics, axis, step)));
  return { xs, ys: sorted.map(({ eval_loss }) => eval_loss) };
}

/** The lowest evaluation, null without any. Figures of a run that diverged are no numbers. */
export function bestEvaluation(evaluations: readonly EvaluationRecord[]): EvaluationRecord | null {
  return evaluations
    .filter(({ eval_loss }) => Number.isFinite(eval_loss))
    .reduce<EvaluationRecord | null>(
      (best, evaluation) => (best === null || evaluation.eval_loss < best.eval_loss ? evaluation : best),
      null,
    );
}

function valueAtStep(metrics: RunMetrics, name: MetricName, step: number): number {
  const steps = metrics.column('step');
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((steps[middle] ?? 0) <= step) low = middle;
    else high = middle - 1;
  }
  return metrics.column(name)[low] ?? 0;
}
