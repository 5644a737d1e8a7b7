/**
 * @file JSONL: one JSON object a line. Every broken line is reported with column and reason; the others are read.
 */
import { aboutRow, dataFault, faultItem } from '../faults.ts';
import type { DataFault, Row, RowItem, RowSource } from '../types.ts';
import { explainJsonFault } from './json-fault.ts';
import { MAX_JSON_DEPTH } from './limits.ts';
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: brokenJson(source, text, error) };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { row: value as Row };
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
  if (countUpTo(text, '[') + countUpTo(text, '{') <= MAX_JSON_DEPTH) return false;
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

function countUpTo(text: string, char: string): number {
  let count = 0;
  for (let index = text.indexOf(char); index >= 0 && count <= MAX_JSON_DEPTH; index = text.indexOf(char, index + 1))
    count++;
  return count;
}

function brokenJson(source: RowSource, text: string, error: unknown): DataFault {
  const explained = explainJsonFault(text);
  const offset = explained?.offset ?? 0;
  const before = text.slice(0, offset);
  const lineBreaks = before.split('\n').length - 1;
  const column = offset - before.lastIndexOf('\n');
  const reason = explained?.reason ?? (error instanceof Error ? error.message : String(error));
  const message = aboutRow(`not valid JSON at column ${column}: ${reason}`, source);
  return dataFault('data/broken-json', source.file, message, {
    line: source.line + lineBreaks,
    hint: 'Correct or remove this row.',
  });
}
