/**
 * @file Everything of the sample that is made from seeds alone: the task's files and the model folder without its weights.
 */
import { trainBpe } from './bpe-trainer.ts';
import { makeCorpus, textOf, type Corpus } from './corpus/corpus.ts';
import { renderModelFiles, SPECIAL_TOKENS, VOCAB_SIZE } from './model-files.ts';
import { makeTaskData, renderTaskFiles, type TaskData } from './task-data.ts';

/** Examples of the pre-training corpus: some 2 million tokens. */
export const CORPUS_ROWS = 40_000;

export interface SampleResources {
  readonly task: TaskData;
  readonly corpus: Corpus;
  /** File name -> text in resources/sample-data. */
  readonly dataFiles: ReadonlyMap<string, string>;
  /** File name -> text in resources/sample-model. */
  readonly modelFiles: ReadonlyMap<string, string>;
}

/** The same bytes each time. */
export function makeSampleResources(): SampleResources {
  const task = makeTaskData();
  const corpus = makeCorpus(CORPUS_ROWS, task);
  const texts = [...corpus.conversations, ...corpus.texts].map(textOf);
  const taskTexts = task.train.flatMap(({ message, answer }) => [message, answer]);
  const vocabulary = trainBpe({
    texts: [...texts, ...taskTexts],
    vocabSize: VOCAB_SIZE,
    specialTokens: SPECIAL_TOKENS,
  });
  return { task, corpus, dataFiles: renderTaskFiles(task), modelFiles: renderModelFiles(vocabulary) };
}
