/**
 * @file Rows of token ids that were made elsewhere, checked against the model that reads them.
 */
import { RowFault } from './faults.ts';

/** @throws RowFault where an id is none of the vocabulary's */
export function requireKnown(field: string, ids: readonly number[], vocabSize: number): void {
  const position = ids.findIndex((id) => id < 0 || id >= vocabSize);
  if (position < 0) return;
  const message = `token id ${ids[position]!} at position ${position + 1} is outside the vocabulary (0 to ${vocabSize - 1})`;
  throw new RowFault('data/token-out-of-vocabulary', message, {
    field,
    hint: 'These ids were made with another tokenizer; tokenize the text again with this model’s.',
  });
}

/** @throws RowFault where there are labels, and not one for each token */
export function requireAsMany(inputIds: readonly number[], labels: readonly number[] | null): void {
  if (labels === null || labels.length === inputIds.length) return;
  const message = `${labels.length} labels stand against ${inputIds.length} input_ids`;
  const hint = 'Give one label for each token, -100 where it is not trained.';
  throw new RowFault('data/wrong-value', message, { field: 'labels', hint });
}
