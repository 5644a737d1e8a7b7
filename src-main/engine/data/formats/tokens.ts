/**
 * @file Format `tokens`: rows that were tokenized elsewhere, `input_ids` and optional `labels` (-100 = not trained). How the two belong
 * together depends on the model: a label for each token, or an encoder-decoder's answer.
 */
import { requiredField, optionalField, type DataFormat } from './data-format.ts';
import { describe, fieldFault, looksLikeList, optionalList, requireList, type RowView } from './field-values.ts';

export const tokensFormat: DataFormat = {
  name: 'tokens',
  description: 'token ids made elsewhere',
  fields: [requiredField('input_ids'), optionalField('labels')],
  fits: (row) => looksLikeList(row.get('input_ids')),
  read: (row) => {
    const inputIds = wholeNumbers(row, 'input_ids', requireList(row, 'input_ids'));
    const list = optionalList(row, 'labels');
    const labels = list === null ? null : wholeNumbers(row, 'labels', list);
    return { kind: 'tokens', inputIds, labels };
  },
};

function wholeNumbers(row: RowView, field: string, list: readonly unknown[]): number[] {
  return list.map((value, index) => {
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    const message = `entry ${index + 1}: a whole number is expected, found ${describe(value)}`;
    throw fieldFault(row, field, 'data/wrong-value', message, 'Write token ids as whole numbers.');
  });
}
