/**
 * @file What a data format is: which fields it needs, under which other names they are known, and how a row becomes an example.
 */
import type { Example } from '../example.ts';
import type { RowView } from './field-values.ts';

export type FormatName =
  'messages' | 'sharegpt' | 'alpaca' | 'prompt_completion' | 'text' | 'classification' | 'tokens';

export interface FormatField {
  /** Our name, as in `data.columns`. */
  readonly name: string;
  readonly isRequired: boolean;
  /** Column names that are taken for this field where its own name is absent. */
  readonly synonyms: readonly string[];
}

export interface DataFormat {
  readonly name: FormatName;
  /** What it is for, in words for the person. */
  readonly description: string;
  readonly fields: readonly FormatField[];
  /** True where sample values of the required fields fit this format (used to choose between formats). */
  fits(row: RowView): boolean;
  /** @throws RowFault */
  read(row: RowView): Example;
}

export function requiredField(name: string, ...synonyms: string[]): FormatField {
  return { name, isRequired: true, synonyms };
}

export function optionalField(name: string, ...synonyms: string[]): FormatField {
  return { name, isRequired: false, synonyms };
}
