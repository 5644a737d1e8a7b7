/**
 * @file The table of broken data files: how each is made, and what must be said about it.
 */
import type { BrokenFile } from './broken-file.ts';
import { CONTAINERS, JSON_FILES, JSON_LINES, JSONL } from './broken-json.ts';
import { CONVERSATIONS, FORMATS } from './broken-rows.ts';
import { PARQUET, SPREADSHEETS, TABLES } from './broken-tables.ts';

export const BROKEN_FILES: readonly BrokenFile[] = [
  ...CONTAINERS,
  ...JSON_LINES,
  ...JSONL,
  ...JSON_FILES,
  ...TABLES,
  ...SPREADSHEETS,
  ...PARQUET,
  ...CONVERSATIONS,
  ...FORMATS,
];

/** Those that would take memory if they were believed: inspected in a process with little of it. */
export const LARGE_FILES = BROKEN_FILES.filter(({ content }) => typeof content === 'function');
