/**
 * @file One line of the table of broken files, and what the lines share.
 */
import type { InspectDataOptions } from '../../../../src-main/engine/data/inspect.ts';

export interface BrokenFile {
  /** File name; the ending decides how it is read. */
  readonly name: string;
  readonly content: string | Uint8Array | (() => string | Uint8Array);
  readonly code: string;
  /** 1-based line or row; null = the file as a whole. */
  readonly line: number | null;
  /** Part of the message. */
  readonly says: string;
  readonly field?: string;
  readonly options?: Partial<InspectDataOptions>;
}

/** A row that nothing is wrong with. */
export const GOOD = '{"prompt":"a","completion":"b"}\n';
export const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
/** A row between two good ones. */
export const line2 = (row: string): string => `${GOOD}${row}\n${GOOD}`;
export const MEGABYTE = 1024 * 1024;
/** First line of a CSV file. */
export const HEADER = 'prompt,completion\n';
