/**
 * @file Work with a model and an adapter that is no training: answers, logits, evaluation. Each in a process of its own.
 */
import type { EvaluateOptions, EvaluateResult, ModelSource } from '../engine/recipes/contract.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import type { Job } from '../jobs/job-client.ts';
import type { LogitsRequest } from '../jobs/protocol.ts';
import { followDisposable, followJob, type JobRunner } from './job-runner.ts';

export interface JobFollowing {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TimedEvent) => void;
}

export interface InferenceService {
  /** Loads a model that then answers until it is stopped. Wait for `ready`. */
  openGenerator(source: ModelSource, following?: JobFollowing): Promise<Job<'generate'>>;
  computeLogits(
    request: LogitsRequest,
    following?: JobFollowing,
  ): Promise<{ readonly shape: readonly [number, number] }>;
  evaluate(request: Omit<EvaluateOptions, 'host'>, following?: JobFollowing): Promise<EvaluateResult>;
}

export function createInferenceService(jobs: JobRunner): InferenceService {
  return {
    async openGenerator(source, { signal, onEvent } = {}) {
      const job = await jobs.start('generate', source, { onEvent });
      signal?.addEventListener('abort', () => job.stop());
      return job;
    },
    computeLogits: async (request, { signal, onEvent } = {}) =>
      followJob(await jobs.start('logits', request, { onEvent }), signal),
    evaluate: async (request, { signal, onEvent } = {}) =>
      followDisposable(await jobs.start('evaluate', request, { onEvent }), signal),
  };
}
