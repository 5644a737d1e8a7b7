/**
 * @file Mean loss over the labels of many examples; the batches are formed by length, so that little is padding.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Program } from '../compile/program.ts';
import { buildBatch } from '../data/batches.ts';
import { countLabels, lengthOf, longestOf } from '../data/lengths.ts';
import type { TokenizedExample } from '../data/types.ts';
import type { StepTask } from '../steps/step-task.ts';
import type { Meter, Task } from './task.ts';

export interface MeasureLossOptions {
  readonly program: Program;
  readonly task: Task;
  /** What the `evaluate` entry was made of. */
  readonly step: StepTask;
  readonly examples: readonly TokenizedExample[];
  readonly batchSize: number;
  /** Gets what each batch reads back beside the loss. */
  readonly meter?: Meter;
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

export interface MeasuredLoss {
  readonly eval_loss: number;
  /** null where the loss is not that of a model that writes. */
  readonly perplexity: number | null;
  /** Tokens with a label; classifiers: rows. */
  readonly tokens: number;
}

/** Runs the `evaluate` entry over all examples. @throws AbortError */
export async function measureLoss(options: MeasureLossOptions): Promise<MeasuredLoss> {
  const { program, task, step, examples, batchSize, meter, signal, onProgress } = options;
  const batches = batchesByLength(examples, batchSize);
  let sum = 0;
  let tokens = 0;
  for (const [index, rows] of batches.entries()) {
    signal.throwIfAborted();
    const maxLength = longestOf(rows.map((row) => examples[row]!));
    const batch = buildBatch(
      examples,
      rows.map((row) => [row]),
      { ...task.batching, maxLength },
    );
    const { arrays, sizes } = step.arrays(batch, 1);
    const outputs = program.call('evaluate', sizes, arrays);
    sum += outputs['loss']![0]!;
    tokens += step.countLabels(batch);
    meter?.take(rows, outputs);
    onProgress?.((index + 1) / batches.length);
    await nextTurn();
  }
  const mean = sum / Math.max(1, tokens);
  const isWriter = task.type === 'CAUSAL_LM' || task.type === 'SEQ_2_SEQ_LM';
  return { eval_loss: mean, perplexity: isWriter ? Math.exp(mean) : null, tokens };
}

/** Longest first: what does not fit into memory shows at once. */
export function batchesByLength(examples: readonly TokenizedExample[], batchSize: number): number[][] {
  const order = examples.map((_, index) => index);
  order.sort((a, b) => lengthOf(examples[b]!) - lengthOf(examples[a]!) || a - b);
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, index) =>
    order.slice(index * batchSize, (index + 1) * batchSize),
  );
}

/** Most labels that one batch of these examples can have. */
export function mostLabels(examples: readonly TokenizedExample[], batchSize: number): number {
  const counts = examples.map(countLabels);
  counts.sort((a, b) => b - a);
  return counts.slice(0, batchSize).reduce((sum, count) => sum + count, 0);
}
