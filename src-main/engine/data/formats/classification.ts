/**
 * @file Format `classification`: a text and its class, several classes (a list), or a number to predict.
 *
 * In a run that trains a language model and no classifier the class is written as the answer to the text.
 */
import type { ClassificationExample } from '../example.ts';
import { requiredField, type DataFormat } from './data-format.ts';
import { describe, fieldFault, optionalList, requireText, type RowView } from './field-values.ts';

export const classificationFormat: DataFormat = {
  name: 'classification',
  description: 'a text and its label',
  fields: [
    requiredField(
      'text',
      'sentence',
      'content',
      'review',
      'utterance',
      'message',
      'prompt',
      'question',
      'input',
      'messages',
    ),
    requiredField('label', 'labels', 'class', 'category', 'intent', 'sentiment'),
  ],
  fits: (row) => {
    const label = row.get('label');
    const isLabel = Array.isArray(label) ? label.every(isScalar) : isScalar(label);
    return isTextLike(row.get('text')) && isLabel;
  },
  read: (row) => ({ kind: 'classification', text: readText(row), label: readLabel(row) }),
};

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean', 'bigint'].includes(typeof value);

function isTextLike(value: unknown): boolean {
  return typeof value === 'string' || Array.isArray(value);
}

/** A conversation is classified by what the user said. */
function readText(row: RowView): string {
  if (!Array.isArray(row.get('text'))) return requireText(row, 'text');
  const said = (optionalList(row, 'text') ?? [])
    .map((turn) => (typeof turn === 'object' && turn !== null ? (turn as { role?: unknown; content?: unknown }) : {}))
    .filter((turn) => turn.role === 'user' && typeof turn.content === 'string')
    .map((turn) => turn.content as string);
  if (said.length > 0) return said.join('\n');
  throw fieldFault(row, 'text', 'data/empty-field', 'the conversation has no user message', 'Give a text to classify.');
}

function readLabel(row: RowView): ClassificationExample['label'] {
  const value = row.get('label');
  if (value === undefined)
    throw fieldFault(row, 'label', 'data/missing-field', 'the label is missing', 'Fill it in or remove the row.');
  if (value === null || (typeof value === 'string' && value.trim() === '')) {
    throw fieldFault(row, 'label', 'data/empty-field', 'the label is empty', 'Fill it in or remove the row.');
  }
  const list = typeof value === 'string' && LIST_IN_CELL.test(value) ? optionalList(row, 'label') : value;
  return Array.isArray(list) ? (list as unknown[]).map((entry) => oneLabel(row, entry)) : oneLabel(row, value);
}

/** A table's list in a cell: `["a", "b"]`, `[1, 2]`; brackets around words belong to the name. */
const LIST_IN_CELL = /^\s*\[\s*(?:["\d\]-]|true\b|false\b)/;

function oneLabel(row: RowView, value: unknown): string | number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw fieldFault(
    row,
    'label',
    'data/wrong-value',
    `a label is expected, found ${describe(value)}`,
    'Write labels as texts.',
  );
}
