/**
 * @file JSONL: one JSON object a line. Every broken line is reported with column and reason; the others are read.
 */
import { aboutRow, dataFault, excerpt, faultItem } from '../faults.ts';
import type { DataFault, Row, RowItem, RowSource } from '../types.ts';
import { type DuplicateKey, findDuplicateKey } from './duplicate-keys.ts';
import { explainJsonFault } from './json-fault.ts';
import { MAX_COLUMNS, MAX_JSON_DEPTH, MAX_ROW_COMMAS } from './limits.ts';
import { readLines } from './lines.ts';
import type { DataFile } from './sniff.ts';

export async function* readJsonl(file: DataFile): AsyncGenerator<RowItem> {
  let isFirst = true;
  for await (const lines of readLines(file)) {
    for (const { number, text, fault } of lines) {
      if (fault) yield { kind: 'fault', fault };
      if (text === null || text.trim() === '') continue;
      if (isFirst && /^\s*[{[]\s*$/.test(text)) {
        yield notOnePerLine(file.path, number);
        return;
      }
      isFirst = false;
      yield parseRow(file.path, number, text);
    }
  }
}

function notOnePerLine(file: string, line: number): RowItem {
  return faultItem('data/broken-json', file, 'one JSON object is spread over several lines', {
    line,
    hint: 'Write each object on one line, or put them in one JSON array and name the file .json.',
  });
}

function parseRow(file: string, line: number, text: string): RowItem {
  const parsed = parseJsonObject({ file, line }, text);
  return 'fault' in parsed
    ? { kind: 'fault', fault: parsed.fault }
    : { kind: 'row', row: parsed.row, source: { file, line } };
}

/** Parses the JSON of one row. @param text the row alone; `column` in the fault counts from its start. */
export function parseJsonObject(source: RowSource, text: string): { row: Row } | { fault: DataFault } {
  const { file, line } = source;
  if (text.length > MAX_JSON_DEPTH && nestsTooDeep(text)) {
    const message = aboutRow(`brackets are nested more than ${MAX_JSON_DEPTH} deep`, source);
    return { fault: dataFault('data/too-deep', file, message, { line, hint: 'Remove this row.' }) };
  }
  if (text.length > MAX_ROW_COMMAS && countUpTo(text, ',', MAX_ROW_COMMAS) > MAX_ROW_COMMAS) {
    const message = aboutRow(`the row holds more than ${MAX_ROW_COMMAS.toLocaleString('en')} values`, source);
    const hint = 'Split it into several rows.';
    return { fault: dataFault('data/too-many-values', file, message, { line, hint }) };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: brokenJson(source, text, error) };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const columns = Object.keys(value).length;
    if (columns > MAX_COLUMNS) return { fault: tooManyColumns(source, columns) };
    const twice = findDuplicateKey(text, value);
    return twice === null ? { row: value as Row } : { fault: duplicateKey(source, text, twice) };
  }
  const what = Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'null'
      : `a ${typeof value === 'string' ? 'text' : typeof value}`;
  const isListOfRows = Array.isArray(value) && typeof value[0] === 'object' && source.row === undefined;
  const hint = isListOfRows
    ? 'Name a file that is one JSON array .json; in JSONL each line is one row.'
    : 'Write each row as {"field": value, …}.';
  const message = aboutRow(`the row is ${what}, not an object with named fields`, source);
  return { fault: dataFault('data/not-an-object', file, message, { line, hint }) };
}

/** A quick bound first: a text with few brackets cannot be deep. */
function nestsTooDeep(text: string): boolean {
  if (countUpTo(text, '[', MAX_JSON_DEPTH) + countUpTo(text, '{', MAX_JSON_DEPTH) <= MAX_JSON_DEPTH) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (inString && char === '\\') index++;
    else if (char === '"') inString = !inString;
    else if (!inString && (char === '[' || char === '{')) depth++;
    else if (!inString && (char === ']' || char === '}')) depth--;
    if (depth > MAX_JSON_DEPTH) return true;
  }
  return false;
}

/** How often a character stands there; just above `most` where it is more. */
function countUpTo(text: string, char: string, most: number): number {
  let count = 0;
  for (let index = text.indexOf(char); index >= 0 && count <= most; index = text.indexOf(char, index + 1)) count++;
  return count;
}

function brokenJson(source: RowSource, text: string, error: unknown): DataFault {
  const explained = explainJsonFault(text);
  const { line, column } = placeIn(source, text, explained?.offset ?? 0);
  const reason = explained?.reason ?? (error instanceof Error ? error.message : String(error));
  const message = aboutRow(`not valid JSON at column ${column}: ${reason}`, source);
  return dataFault('data/broken-json', source.file, message, { line, hint: 'Correct or remove this row.' });
}

function tooManyColumns(source: RowSource, columns: number): DataFault {
  const [count, most] = [columns, MAX_COLUMNS].map((number) => number.toLocaleString('en'));
  const message = aboutRow(`the row has ${count} fields, more than ${most}`, source);
  const hint = 'Keep the fields that are trained on.';
  return dataFault('data/too-many-columns', source.file, message, { line: source.line, hint });
}

function duplicateKey(source: RowSource, text: string, { key, offset }: DuplicateKey): DataFault {
  const { line, column } = placeIn(source, text, offset);
  const name = excerpt(key);
  const message = aboutRow(`the key "${name}" stands there twice, the second time at column ${column}`, source);
  return dataFault('data/duplicate-key', source.file, message, { line, field: name, hint: ONE_VALUE_A_KEY });
}

/** Said wherever only one of two values could be kept. */
export const ONE_VALUE_A_KEY = 'Only one of the two values could be used: rename or remove the other.';

/** Where a character of a row stands. @param offset 0-based index in the row's text */
function placeIn({ line }: RowSource, text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: line + before.split('\n').length - 1, column: offset - before.lastIndexOf('\n') };
}
