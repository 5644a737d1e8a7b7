/**
 * @file A run's figures, step by step: pages from the history joined with what is told live. Arrays only grow, so that a hundred thousand
 * steps cost nothing when one more comes.
 */
import type { MetricRecord } from '../../src-shared/domain/history.ts';
import type { MetricPage } from '../../src-shared/domain/run-views.ts';
import type { StepEvent } from '../../src-shared/domain/run-events.ts';

export type MetricName = keyof MetricRecord;
const NAMES: readonly MetricName[] = [
  'step',
  'loss',
  'learning_rate',
  'grad_norm',
  'tokens_per_second',
  'tokens',
  'memory_bytes',
  'epoch',
  'elapsed_ms',
];

export class RunMetrics {
  readonly columns: Readonly<Record<MetricName, number[]>> = {
    step: [],
    loss: [],
    learning_rate: [],
    grad_norm: [],
    tokens_per_second: [],
    tokens: [],
    memory_bytes: [],
    epoch: [],
    elapsed_ms: [],
  };

  get count(): number {
    return this.columns.step.length;
  }

  get lastStep(): number {
    return this.columns.step.at(-1) ?? -1;
  }

  /** The latest value, null before the first step. */
  last(name: MetricName): number | null {
    return this.columns[name].at(-1) ?? null;
  }

  addPage({ columns }: MetricPage): void {
    const [first] = columns.step;
    if (first === undefined) return;
    this.#cutFrom(first);
    for (const name of NAMES) {
      const column = this.columns[name];
      for (const value of columns[name]) column.push(value);
    }
  }

  /** A step that was told before is told anew after resuming from an earlier checkpoint: then what followed it is gone. */
  addStep(event: StepEvent): void {
    this.#cutFrom(event.step);
    for (const name of NAMES) this.columns[name].push(event[name]);
  }

  #cutFrom(step: number): void {
    const { step: steps } = this.columns;
    let keep = steps.length;
    while (keep > 0 && (steps[keep - 1] ?? 0) >= step) keep -= 1;
    if (keep === steps.length) return;
    for (const name of NAMES) this.columns[name].length = keep;
  }
}
