/**
 * @file What a model, or what a run made of it, is worth on files of the person's.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import { Measurement } from './measurement.svelte.ts';
import type { Subject } from './playground.svelte.ts';

/** Everything that the figures depend on. */
export interface EvaluationQuestion {
  readonly subject: Subject;
  readonly files: readonly string[];
  readonly withBase: boolean;
  /** Write an answer to each row and compare it with the wanted one. */
  readonly exactMatch: boolean;
}

export type EvaluationMeasurement = Measurement<'evaluateModel', EvaluationQuestion>;

export function createEvaluation(client: Client): EvaluationMeasurement {
  return new Measurement(client, ({ subject, files, withBase, exactMatch }, pause_running) =>
    client.call('models:evaluate', {
      ...(subject.run === null
        ? { model: subject.modelPath }
        : { tuned: { run: subject.run, checkpoint: subject.checkpoint } }),
      files: [...files],
      with_base: withBase && subject.run !== null,
      exact_match: exactMatch,
      pause_running,
    }),
  );
}
