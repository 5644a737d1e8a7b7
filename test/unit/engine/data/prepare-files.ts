/**
 * @file Data made ready for training as a run with default settings does.
 */
import { prepareData, type PrepareDataOptions, type PreparedData } from '../../../../src-main/engine/data/prepare.ts';

export interface PrepareChanges extends Partial<Omit<PrepareDataOptions, 'data'>> {
  readonly data?: Partial<PrepareDataOptions['data']>;
}

export function prepareFiles(
  tokenizer: PrepareDataOptions['tokenizer'],
  train: string | string[],
  { data, ...rest }: PrepareChanges = {},
): Promise<PreparedData> {
  return prepareData({
    data: {
      train: [train].flat(),
      eval: null,
      eval_fraction: 0.1,
      format: 'auto',
      columns: {},
      template: null,
      max_length: 128,
      completion_only_loss: true,
      ...data,
    },
    taskType: 'CAUSAL_LM',
    tokenizer,
    vocabSize: tokenizer.vocabSize,
    seed: 42,
    now: new Date(0),
    ...rest,
  });
}
