/**
 * @file The task that a model is made for.
 */
import type { AnyModel } from '../../models/model.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Task } from '../task.ts';
import { languageModelTask } from './language-model.ts';

export function makeTask(model: AnyModel, tokenizer: Tokenizer): Task {
  switch (model.kind) {
    case 'causal':
      return languageModelTask({ model, tokenizer });
  }
}
