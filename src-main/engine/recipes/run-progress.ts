/**
 * @file Where a run stands: all of it goes into each checkpoint, so that a resumed run goes on as if nothing had happened.
 */
import { z } from 'zod';
import type { JsonValue } from '../../../src-shared/domain/json.ts';
import type { Execution } from './execution.ts';

const progressSchema = z.object({
  step: z.int(),
  /** Non-padding tokens seen. */
  tokens: z.number(),
  elapsed_ms: z.number(),
  sampler: z.object({ epoch: z.int(), batch: z.int() }),
  /** Micro-batches of an epoch, to find the place again where they get another size; null before the first step. */
  batches_per_epoch: z.int().nullable().default(null),
  /** Since the last step event: summed loss, labels, tokens, milliseconds. */
  open: z.object({ loss: z.number(), labels: z.number(), tokens: z.number(), ms: z.number() }),
  final_loss: z.number().nullable(),
  eval_loss: z.number().nullable(),
  /** `value`: of the figure that says which evaluation is best, where it is not the loss. */
  best: z.object({ step: z.int(), eval_loss: z.number(), value: z.number().optional() }).nullable(),
  evals_without_gain: z.int(),
  /** Steps in a row whose gradient was not finite. */
  skipped: z.int(),
  /** Steps over which the learning rate runs its course, and steps of the whole run (rate-course.ts); null before the first. */
  course: z.object({ start: z.int(), end: z.int(), planned: z.int() }).nullable().default(null),
});

/** Changes from step to step. */
export type RunProgress = z.infer<typeof progressSchema>;

const stateSchema = z.object({
  progress: progressSchema,
  execution: z.object({
    mode: z.enum(['eager', 'compiled']),
    checkpointing: z.boolean(),
    chunks: z.int(),
    eval_chunks: z.int(),
    attention_parts: z.int().default(1),
    kept_bytes: z.number().default(0),
    folded: z.boolean().default(false),
    fused: z.boolean().default(false),
    shards: z.int().default(1),
  }),
  started_at: z.number(),
});

export interface RunState {
  readonly progress: RunProgress;
  readonly execution: Execution;
  readonly started_at: number;
}

export function startProgress(): RunProgress {
  return {
    step: 0,
    tokens: 0,
    elapsed_ms: 0,
    sampler: { epoch: 0, batch: 0 },
    batches_per_epoch: null,
    open: { loss: 0, labels: 0, tokens: 0, ms: 0 },
    final_loss: null,
    eval_loss: null,
    best: null,
    evals_without_gain: 0,
    skipped: 0,
    course: null,
  };
}

export function encodeState(state: RunState): JsonValue {
  return structuredClone(state) as unknown as JsonValue;
}

/** @throws where the state is not ours */
export function decodeState(state: JsonValue): RunState {
  return stateSchema.parse(state);
}
