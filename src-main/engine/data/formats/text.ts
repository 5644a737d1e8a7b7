/**
 * @file Format `text`: plain text to go on with; every token is trained.
 */
import { requiredField, type DataFormat } from './data-format.ts';
import { requireText } from './field-values.ts';

export const textFormat: DataFormat = {
  name: 'text',
  description: 'plain text, all of it trained',
  fields: [requiredField('text', 'content', 'document', 'body')],
  fits: (row) => typeof row.get('text') === 'string',
  read: (row) => ({ kind: 'text', text: requireText(row, 'text') }),
};
