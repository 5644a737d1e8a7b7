/**
 * @file Tables can repeat one long text a million times in a few bytes. What a file gives is counted before its rows are passed on,
 * and a file that gives far more than it holds is refused.
 */
import type { Row } from '../types.ts';
import { inMegabytes, MAX_EXPANDED_CHARS, MAX_EXPANSION } from './limits.ts';

/** Thrown where a table gives too much. */
export class ExpandsTooMuch extends Error {}

export interface ExpansionGuard {
  /** Counts rows that are about to be passed on. @throws ExpandsTooMuch */
  addRows(rows: readonly Row[]): void;
  /** Judges an amount that is not counted yet. @throws ExpandsTooMuch */
  expect(chars: number): void;
}

export function createExpansionGuard(fileBytes: number): ExpansionGuard {
  let chars = 0;
  const expect = (more: number): void => {
    const total = chars + more;
    if (total <= MAX_EXPANDED_CHARS || total <= fileBytes * MAX_EXPANSION) return;
    const message = `the file of ${inMegabytes(fileBytes)} gives more than ${inMegabytes(MAX_EXPANDED_CHARS)} of text by repeating it`;
    throw new ExpandsTooMuch(message);
  };
  return {
    expect,
    addRows: (rows) => {
      let added = 0;
      for (const row of rows) added += countChars(row);
      expect(added);
      chars += added;
    },
  };
}

/** Rough size of a value: characters of its texts, one for anything else. */
export function countChars(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  let chars = 0;
  for (const member of Object.values(value)) chars += countChars(member);
  return chars;
}
