/**
 * @file JSONL: one JSON object a line. Every broken line is reported with column and reason; the others are read.
 */
import { dataFault, faultItem } from '../faults.ts';
import type { DataFault, Row, RowItem } from '../types.ts';
import { explainJsonFault } from './json-fault.ts';
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
  const parsed = parseJsonObject(file, line, text);
  return 'fault' in parsed
    ? { kind: 'fault', fault: parsed.fault }
    : { kind: 'row', row: parsed.row, source: { file, line } };
}

/** Parses the JSON of one row. @param text the row alone; `column` in the fault counts from its start. */
export function parseJsonObject(file: string, line: number, text: string): { row: Row } | { fault: DataFault } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { fault: brokenJson(file, line, text, error) };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { row: value as Row };
  const what = Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'null'
      : `a ${typeof value === 'string' ? 'text' : typeof value}`;
  return {
    fault: dataFault('data/not-an-object', file, `the row is ${what}, not an object with named fields`, {
      line,
      hint: 'Write each row as {"field": value, …}.',
    }),
  };
}

function brokenJson(file: string, line: number, text: string, error: unknown): DataFault {
  const explained = explainJsonFault(text);
  const offset = explained?.offset ?? 0;
  const before = text.slice(0, offset);
  const lineBreaks = before.split('\n').length - 1;
  const column = offset - before.lastIndexOf('\n');
  const reason = explained?.reason ?? (error instanceof Error ? error.message : String(error));
  return dataFault('data/broken-json', file, `not valid JSON at column ${column}: ${reason}`, {
    line: line + lineBreaks,
    hint: 'Correct or remove this row.',
  });
}
