/**
 * @file A run's figures, step by step: pages from the history joined with what is told live. Columns only grow, so that a hundred thousand
 * steps cost nothing when one more comes.
 */
import type { MetricRecord } from '../../src-shared/domain/history.ts';
import type { MetricPage } from '../../src-shared/domain/run-views.ts';
import type { StepEvent } from '../../src-shared/domain/run-events.ts';
import { GrowingNumbers } from './growing-numbers.ts';

export type MetricName = keyof MetricRecord;

export class RunMetrics {
  readonly #columns: Readonly<Record<MetricName, GrowingNumbers>> = {
    step: new GrowingNumbers(),
    loss: new GrowingNumbers(),
    learning_rate: new GrowingNumbers(),
    grad_norm: new GrowingNumbers(),
    tokens_per_second: new GrowingNumbers(),
    tokens: new GrowingNumbers(),
    memory_bytes: new GrowingNumbers(),
    epoch: new GrowingNumbers(),
    elapsed_ms: new GrowingNumbers(),
  };
  readonly #all = Object.entries(this.#columns) as [MetricName, GrowingNumbers][];

  get count(): number {
    return this.#columns.step.count;
  }

  get lastStep(): number {
    return this.last('step') ?? -1;
  }

  /** In the order of the steps; the same list until figures come. */
  column(name: MetricName): Float64Array {
    return this.#columns[name].values;
  }

  /** The latest value, null before the first step. */
  last(name: MetricName): number | null {
    return this.column(name).at(-1) ?? null;
  }

  addPage({ columns }: MetricPage): void {
    const [first] = columns.step;
    if (first === undefined) return;
    this.#cutFrom(first);
    for (const [name, column] of this.#all) column.append(columns[name]);
  }

  /** A step that was told before is told anew after resuming from an earlier checkpoint: then what followed it is gone. */
  addStep(event: StepEvent): void {
    this.#cutFrom(event.step);
    for (const [name, column] of this.#all) column.push(event[name]);
  }

  #cutFrom(step: number): void {
    const steps = this.column('step');
    let keep = steps.length;
    while (keep > 0 && (steps[keep - 1] ?? 0) >= step) keep -= 1;
    if (keep === steps.length) return;
    for (const [, column] of this.#all) column.cut(keep);
  }
}
