/**
 * @file The first row of a table: column names, checked once for CSV, TSV and spreadsheets alike.
 */
import { dataFault } from '../faults.ts';
import type { DataFault } from '../types.ts';
import { MAX_COLUMNS } from './limits.ts';

/** @returns names with surrounding spaces removed, or the fault that makes the file unusable. */
export function checkHeader(
  file: string,
  line: number,
  cells: readonly string[],
): { readonly names: readonly string[] } | { readonly fault: DataFault } {
  if (cells.length > MAX_COLUMNS) {
    const [count, most] = [cells.length, MAX_COLUMNS].map((number) => number.toLocaleString('en'));
    return {
      fault: dataFault('data/too-many-columns', file, `the first row names ${count} columns, more than ${most}`, {
        line,
        hint: 'Is the delimiter a character of the text, or is the whole table on one line?',
      }),
    };
  }
  const names = cells.map((cell, index) => cell.trim() || `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    return {
      fault: dataFault('data/duplicate-column', file, `two columns are named "${twice}"`, {
        line,
        hint: 'Give each column its own name in the first row.',
      }),
    };
  }
  if (cells.every((cell) => cell.trim() === '')) {
    return {
      fault: dataFault('data/no-header', file, 'the first row is empty, it must hold the column names', {
        line,
        hint: 'Put the column names into the first row.',
      }),
    };
  }
  return { names };
}
