/**
 * @file Values of a row's fields, checked: a text where a text is expected, a list where a list is expected.
 *
 * Tables hold lists as JSON inside a cell, and spreadsheets hold numbers where a text is meant; both are accepted.
 */
import { excerpt, RowFault } from '../faults.ts';
import type { Row } from '../types.ts';

/** Our field name -> the file's column name. */
export type ColumnPlan = Readonly<Record<string, string>>;

/** A row seen through a column plan. */
export interface RowView {
  /** Value of one of our fields; undefined where the plan or the row has none. */
  get(field: string): unknown;
  /** How the column is called in the file, for messages. */
  columnOf(field: string): string;
}

export function viewRow(row: Row, plan: ColumnPlan): RowView {
  const columnOf = (field: string): string => plan[field] ?? field;
  return { columnOf, get: (field) => (Object.hasOwn(row, columnOf(field)) ? row[columnOf(field)] : undefined) };
}

/** A text that must be there and not be empty. @throws RowFault */
export function requireText(row: RowView, field: string): string {
  const text = optionalText(row, field);
  if (text === null) {
    const value = row.get(field);
    const code = value === undefined ? 'data/missing-field' : 'data/empty-field';
    throw fieldFault(
      row,
      field,
      code,
      value === undefined ? 'the field is missing' : 'the field is empty',
      'Fill it in or remove the row.',
    );
  }
  return text;
}

/** @returns null where the field is absent, null or nothing but spaces. @throws RowFault where it is no text. */
export function optionalText(row: RowView, field: string): string | null {
  const value = row.get(field);
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    const message = `the number ${value} is too large to be kept digit by digit`;
    throw fieldFault(row, field, 'data/wrong-value', message, 'Write it as a text, in double quotes.');
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value.trim() === '' ? null : value;
  throw fieldFault(
    row,
    field,
    'data/wrong-value',
    `a text is expected, found ${describe(value)}`,
    'Write a text here.',
  );
}

/** A list, or a text that is the JSON of one. @returns null where the field is absent or empty. @throws RowFault */
export function optionalList(row: RowView, field: string): readonly unknown[] | null {
  const value = row.get(field);
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '')) return null;
  const parsed = typeof value === 'string' ? parseCell(row, field, value) : value;
  if (Array.isArray(parsed)) return parsed as unknown[];
  throw fieldFault(
    row,
    field,
    'data/wrong-value',
    `a list is expected, found ${describe(parsed)}`,
    'Write a JSON list here.',
  );
}

/** A list that must be there and not be empty. @throws RowFault */
export function requireList(row: RowView, field: string): readonly unknown[] {
  const list = optionalList(row, field);
  if (list !== null && list.length > 0) return list;
  const isMissing = row.get(field) === undefined;
  throw fieldFault(
    row,
    field,
    isMissing ? 'data/missing-field' : 'data/empty-field',
    isMissing ? 'the field is missing' : 'the list is empty',
    'Fill it in or remove the row.',
  );
}

/** True for a list or a cell that looks like the JSON of one. */
export function looksLikeList(value: unknown): boolean {
  return Array.isArray(value) || (typeof value === 'string' && /^\s*\[\s*[{[\d-]/.test(value));
}

export function fieldFault(row: RowView, field: string, code: string, message: string, hint: string): RowFault {
  return new RowFault(code, message, { field: row.columnOf(field), hint });
}

/** `a number`, `the text "abc"`: what was found instead. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the text "${excerpt(value, 20)}"`;
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value === 'number' ? 'number' : 'value'} ${JSON.stringify(value) ?? typeof value}`;
}

function parseCell(row: RowView, field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const what = `a JSON list is expected, found the text "${excerpt(text, 30)}"`;
    throw fieldFault(row, field, 'data/wrong-value', what, 'Write the list as JSON, with double quotes.');
  }
}
