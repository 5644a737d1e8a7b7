/**
 * @file The task that a model is made for.
 */
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { OpenModel } from '../open-model.ts';
import type { Task } from '../task.ts';
import { classifierTask } from './classifier.ts';
import { languageModelTask } from './language-model.ts';
import { maskedModelTask } from './masked-model.ts';

export function makeTask(opened: Pick<OpenModel, 'model' | 'classes' | 'folder'>, tokenizer: Tokenizer): Task {
  const { model } = opened;
  switch (model.kind) {
    case 'causal':
    case 'encoder-decoder':
      return languageModelTask({ model, tokenizer });
    case 'masked':
      return maskedModelTask({ model, tokenizer });
    case 'classifier':
      return classifierTask({ model, tokenizer, classes: opened.classes!, padTokenId: padTokenOf(opened) });
  }
}

/** Padding of config.json: transformers reads the last token that is another one. */
export function padTokenOf({ folder }: Pick<OpenModel, 'folder'>): number | null {
  const { pad_token_id: id } = folder.config;
  return typeof id === 'number' && id >= 0 ? id : null;
}
