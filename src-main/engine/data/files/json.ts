/**
 * @file JSON files: a list of objects, or an object that holds one such list (`{"version": …, "data": […]}`).
 *
 * The file is cut into its elements while it streams through, so a long list needs no more memory than its largest element; each
 * element is then parsed by itself. Everything around the list is kept as the frame and checked at the end.
 */
import { makeNotice } from '../../../../src-shared/domain/notices.ts';
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { aboutRow, excerpt, faultItem, noticeItem } from '../faults.ts';
import type { RowItem, RowSource } from '../types.ts';
import { findDuplicateKey } from './duplicate-keys.ts';
import { createJsonCutter, type CutPiece, type JsonFrame } from './json-cutter.ts';
import { explainJsonFault } from './json-fault.ts';
import { ONE_VALUE_A_KEY, parseJsonObject, readJsonl } from './jsonl.ts';
import { inMegabytes, MAX_JSON_FRAME_BYTES, MAX_ROW_BYTES } from './limits.ts';
import { notUtf8Fault, readLines } from './lines.ts';
import type { DataFile } from './sniff.ts';

export async function* readJson(file: DataFile): AsyncGenerator<RowItem> {
  if (await isReallyJsonl(file)) {
    const message = 'the file has one JSON object a line, so it was read as JSONL';
    yield noticeItem(file.path, makeNotice('data/json-lines', {}, message));
    yield* readJsonl(file);
    return;
  }
  const cutter = createJsonCutter(MAX_ROW_BYTES, MAX_JSON_FRAME_BYTES);
  let element = 0;
  for await (const chunk of createReadStream(file.path, { start: file.skipBytes }) as AsyncIterable<Buffer>) {
    for (const piece of cutter.push(chunk)) {
      const item = toItem(file.path, piece, ++element);
      yield item;
      if (item.kind === 'fault' && item.fault.code === 'data/column-lists') return;
    }
    if (cutter.frameTooLarge()) {
      yield faultItem('data/json-layout', file.path, frameMessage(), { hint: LAYOUT_HINT });
      return;
    }
  }
  yield* judgeFrame(file.path, cutter.end(), element);
}

const LAYOUT_HINT =
  'Write a list of objects: [{"prompt": …, "completion": …}, …]; in pandas: to_json(orient="records", lines=True).';

function frameMessage(): string {
  return `no list of rows is found within the first ${inMegabytes(MAX_JSON_FRAME_BYTES)} of the object`;
}

/** One complete object on the first line and something after it. */
async function isReallyJsonl(file: DataFile): Promise<boolean> {
  let first: string | null = null;
  for await (const lines of readLines(file)) {
    for (const { text } of lines) {
      if (text === null) return false;
      if (text.trim() === '') continue;
      if (first !== null) return true;
      first = text;
      if (!text.trimStart().startsWith('{') || !isJson(text)) return false;
    }
  }
  return false;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function toItem(file: string, piece: CutPiece, element: number): RowItem {
  const { bytes, line } = piece;
  const source: RowSource = { file, line, row: element };
  if (bytes === null) {
    const message = `element ${element} of the list has more than the ${inMegabytes(MAX_ROW_BYTES)} that one row may have`;
    return faultItem('data/line-too-long', file, message, { line });
  }
  if (!isUtf8(bytes)) {
    const fault = notUtf8Fault(file, line, bytes);
    return { kind: 'fault', fault: { ...fault, message: aboutRow(fault.message, source) } };
  }
  const text = bytes.toString('utf8');
  const parsed = parseJsonObject(source, text);
  if ('row' in parsed) return { kind: 'row', row: parsed.row, source };
  if (piece.key !== null && parsed.fault.code === 'data/not-an-object') {
    return faultItem('data/column-lists', file, `"${piece.key}" is a list of values, not a list of rows`, {
      line,
      hint: LAYOUT_HINT,
    });
  }
  return { kind: 'fault', fault: parsed.fault };
}

/** Faults of what stands around the elements. */
function* judgeFrame(file: string, { text, placeOf }: JsonFrame, elements: number): Generator<RowItem> {
  const explained = explainJsonFault(text);
  if (explained !== null) {
    const { line, row, isInside } = placeOf(explained.offset);
    const where = isInside ? `in row ${row}` : row > 0 ? `after row ${row}` : 'before the first row';
    yield faultItem('data/broken-json', file, `not valid JSON ${where}: ${explained.reason}`, {
      line,
      hint: 'Correct the brackets and commas of the list.',
    });
    return;
  }
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value)) return;
  const twice = findDuplicateKey(text, value);
  if (twice !== null) {
    const key = excerpt(twice.key);
    const { line } = placeOf(twice.offset);
    const message = `the key "${key}" stands twice in the object around the rows`;
    yield faultItem('data/duplicate-key', file, message, { line, field: key, hint: ONE_VALUE_A_KEY });
    return;
  }
  if (typeof value !== 'object' || value === null) {
    yield faultItem('data/json-layout', file, 'the file holds a single value, not a list of objects', {
      hint: LAYOUT_HINT,
    });
    return;
  }
  const lists = Object.entries(value).filter(([, member]) => Array.isArray(member));
  if (lists.length > 1) {
    const names = lists.map(([name]) => `"${name}"`).join(', ');
    yield faultItem(
      'data/json-layout',
      file,
      `the object holds several lists (${names}); which one has the rows is unclear`,
      {
        hint: 'Keep one list a file.',
      },
    );
  } else if (lists.length === 0) {
    const names = Object.keys(value).slice(0, 10).join(', ');
    yield faultItem('data/json-layout', file, `the object holds no list of rows (keys: ${names})`, {
      hint: LAYOUT_HINT,
    });
  } else if (elements > 0) {
    const list = lists[0]![0];
    yield noticeItem(file, makeNotice('data/json-list', { list }, `the rows are the list "${list}" of the object`));
  }
}
