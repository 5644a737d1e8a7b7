/**
 * @file What a kind of task (language model, classifier, encoder-decoder) brings to the recipes: how examples become batches, its steps,
 * what is read back from an evaluation, and how the model answers. One file per kind in recipes/tasks.
 */
import type { AnswersNeed } from '../../../src-shared/domain/estimate-memory.ts';
import type { Entry, HostResult, Program } from '../compile/program.ts';
import type { Variable } from '../device/runner.ts';
import type { BuildBatchOptions } from '../data/batches.ts';
import type { DataTask, TokenizedExample } from '../data/types.ts';
import type { ForwardOptions } from '../steps/evaluate-step.ts';
import type { StepTask } from '../steps/step-task.ts';
import type { TableCache } from '../steps/token-inputs.ts';
import type { EvaluatedAnswer, GenerateRequest, GenerateResult } from './contract.ts';

export interface Task {
  readonly type: DataTask;
  /** How examples become batches; `maxLength` is the caller's. */
  readonly batching: Omit<BuildBatchOptions, 'maxLength'>;
  /** Figures beside the loss that `metric_for_best_model` may name: which way is better. */
  readonly figures: Readonly<Record<string, 'higher' | 'lower'>>;
  /** @param chunks pieces of the loss (steps/loss-inputs.ts) @param coarse the step fuses, so that each number of labels costs a kernel */
  makeStep(tables: TableCache, chunks: number, coarse?: boolean): StepTask;
  /** Entries by which the model answers beside train and evaluate. */
  answering(parts: ForwardOptions): SessionParts;
  /** Gathers what an evaluation reads back. */
  makeMeter(examples: readonly TokenizedExample[]): Meter;
  /** What the model answers to a few fixed prompts during a run; the entries of `answering` and `evaluate` are there. */
  answerSamples(request: SampleRequest): Promise<readonly Sample[]>;
  /** What `answerSamples` will read and write at once. */
  sizeOfSamples(asked: SamplesAsked): AnswersNeed;
  /** One answer of a playground; the entries of `answering` are there. @throws generate/… */
  answer(context: AnswerContext, request: GenerateRequest): Promise<GenerateResult>;
}

export interface AnswerContext {
  readonly program: Program;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface SessionParts {
  readonly entries: readonly Entry[];
  /** Variables that entries fill by themselves. */
  readonly scratch?: readonly Variable[];
}

export interface Meter {
  /** @param rows examples of a batch @param outputs of the entry `evaluate` */
  take(rows: readonly number[], outputs: Readonly<Record<string, HostResult>>): void;
  figures(): Readonly<Record<string, number>>;
  /** What the model says to each row, in their order; empty where an evaluation does not tell. */
  answers(): readonly EvaluatedAnswer[];
}

export interface SampleRequest extends SamplesAsked {
  readonly program: Program;
  readonly evaluation: StepTask;
}

export interface SamplesAsked {
  /** The person's own prompts; where there are none, the first held-out rows are taken. */
  readonly prompts: readonly string[];
  readonly examples: readonly TokenizedExample[];
  /** Chat template in place of the model's own. */
  readonly template: string | null;
}

export interface Sample {
  readonly prompt: string;
  readonly answer: string;
  /** null = not known. */
  readonly expected: string | null;
}

/** For tasks whose loss says everything. */
export function makeEmptyMeter(): Meter {
  return { take: () => {}, figures: () => ({}), answers: () => [] };
}
