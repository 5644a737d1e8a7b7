/**
 * @file Plain text: each paragraph (lines up to an empty one) is a row with the one column `text`, or the whole file is one row.
 */
import { faultItem } from '../faults.ts';
import type { RowItem } from '../types.ts';
import { inMegabytes, MAX_ROW_BYTES } from './limits.ts';
import { readLines } from './lines.ts';
import type { DataFile } from './sniff.ts';

/** How a plain text becomes rows. */
export type TextUnit = 'paragraph' | 'document';

export async function* readText(file: DataFile, unit: TextUnit): AsyncGenerator<RowItem> {
  let lines: string[] = [];
  let startLine = 1;
  let chars = 0;
  let isTooLong = false;
  for await (const group of readLines(file)) {
    for (const { number, text, fault } of group) {
      if (fault) yield { kind: 'fault', fault };
      if (text === null) continue;
      const isBlank = text.trim() === '';
      if (isBlank && (unit === 'paragraph' || lines.length === 0)) {
        if (lines.length > 0) yield toRow(file.path, startLine, lines);
        [lines, chars, isTooLong] = [[], 0, false];
        continue;
      }
      if (isTooLong) continue;
      if (lines.length === 0) startLine = number;
      lines.push(text);
      chars += text.length + 1;
      if (chars > MAX_ROW_BYTES) {
        yield tooLong(file.path, startLine, unit);
        [lines, chars, isTooLong] = [[], 0, true];
      }
    }
  }
  if (lines.length > 0) yield toRow(file.path, startLine, lines);
}

function toRow(file: string, line: number, lines: readonly string[]): RowItem {
  return { kind: 'row', row: { text: lines.join('\n').trimEnd() }, source: { file, line } };
}

function tooLong(file: string, line: number, unit: TextUnit): RowItem {
  const message = `the ${unit} that begins here has more than the ${inMegabytes(MAX_ROW_BYTES)} that one row may have`;
  return faultItem('data/line-too-long', file, message, { line, hint: 'Put an empty line between paragraphs.' });
}
