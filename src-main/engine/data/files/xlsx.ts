/**
 * @file XLSX: the first sheet, column names in its first row. Sizes are checked before the library sees anything (zip-parts.ts).
 */
import { makeNotice } from '../../../../src-shared/domain/notices.ts';
import { readSheet } from 'read-excel-file/node';
import { faultItem, noticeItem } from '../faults.ts';
import type { Row, RowItem } from '../types.ts';
import { createExpansionGuard, ExpandsTooMuch } from './expansion.ts';
import { inMegabytes, MAX_XLSX_BYTES, MAX_XLSX_CELLS } from './limits.ts';
import type { DataFile } from './sniff.ts';
import { checkHeader } from './table-header.ts';
import { findLostCells } from './xlsx-cells.ts';
import { packZipParts, unpackZipParts, ZipTooLarge, type ZipParts } from './zip-parts.ts';

const SAVE_AS_CSV = 'Save the sheet as CSV UTF-8 and give that file.';

export async function* readXlsx(file: DataFile): AsyncGenerator<RowItem> {
  const sheet = await readFirstSheet(file);
  if ('item' in sheet) {
    yield sheet.item;
    return;
  }
  if (sheet.sheetCount > 1) {
    const message = `the workbook has ${sheet.sheetCount} sheets, only the first one is read`;
    yield noticeItem(file.path, makeNotice('data/first-sheet', { sheets: sheet.sheetCount }, message));
  }
  const [head, ...body] = sheet.cells;
  if (head === undefined) {
    yield faultItem('data/no-rows', file.path, 'the first sheet is empty', {
      hint: 'Put the rows on the first sheet.',
    });
    return;
  }
  const header = checkHeader(file.path, 1, head.map(asText));
  if ('fault' in header) {
    yield { kind: 'fault', fault: header.fault };
    return;
  }
  const rows = body.map((cells): Row =>
    Object.fromEntries(header.names.map((name, column) => [name, toValue(cells[column])])),
  );
  try {
    createExpansionGuard(file.sizeBytes).addRows(rows);
  } catch (error) {
    if (!(error instanceof ExpandsTooMuch)) throw error;
    yield faultItem('data/too-large', file.path, error.message, { hint: SAVE_AS_CSV });
    return;
  }
  // The library leaves out rows at the end that hold nothing for it.
  const last = Math.max(rows.length + 1, ...sheet.lostCells.keys());
  for (let line = 2; line <= last; line++) {
    const row = rows[line - 2] ?? {};
    const lost = sheet.lostCells.get(line);
    if (lost !== undefined) {
      const hint = 'Correct the formula, or open the workbook in Excel or LibreOffice and save it with its results.';
      yield faultItem('data/lost-cell', file.path, lost, { line, hint });
    } else if (Object.values(row).some((value) => value !== null)) {
      yield { kind: 'row', row, source: { file: file.path, line } };
    }
  }
}

type Cells = readonly (readonly unknown[])[];

interface Sheet {
  readonly cells: Cells;
  readonly lostCells: ReadonlyMap<number, string>;
  readonly sheetCount: number;
}

async function readFirstSheet(file: DataFile): Promise<Sheet | { readonly item: RowItem }> {
  const fail = (code: string, message: string, hint: string): { readonly item: RowItem } => ({
    item: faultItem(code, file.path, message, { hint }),
  });
  try {
    const parts = await unpackZipParts(file.path, (name) => /\.(?:xml|rels)$/.test(name), MAX_XLSX_BYTES);
    if (!parts.has('xl/workbook.xml')) {
      return fail('data/wrong-type', 'the archive holds no Excel workbook', 'Save the table as .xlsx or .csv.');
    }
    createExpansionGuard(file.sizeBytes).expect(sizeOf(parts));
    const cellCount = largestSheetArea(parts);
    if (cellCount > MAX_XLSX_CELLS) {
      const message = `the sheet spans ${cellCount.toLocaleString('en')} cells, more than ${MAX_XLSX_CELLS.toLocaleString('en')}`;
      return fail(
        'data/too-large',
        message,
        `${SAVE_AS_CSV} Cells far below or right of the table count too: delete them.`,
      );
    }
    const cells = (await readSheet(packZipParts(parts), { trim: false })) as unknown as Cells;
    return { cells, lostCells: findLostCells(parts), sheetCount: countSheets(parts) };
  } catch (error) {
    if (error instanceof ZipTooLarge) {
      return fail('data/too-large', `the workbook unpacks to more than ${inMegabytes(MAX_XLSX_BYTES)}`, SAVE_AS_CSV);
    }
    if (error instanceof ExpandsTooMuch) return fail('data/too-large', error.message, SAVE_AS_CSV);
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      'data/broken-xlsx',
      `the workbook cannot be read: ${reason}`,
      'Open it in Excel or LibreOffice and save it again.',
    );
  }
}

/** Bytes of all parts, unpacked. */
function sizeOf(parts: ZipParts): number {
  return [...parts.values()].reduce((sum, { length }) => sum + length, 0);
}

function countSheets(parts: ZipParts): number {
  return (
    parts
      .get('xl/workbook.xml')!
      .toString('utf8')
      .match(/<(?:\w+:)?sheet\s/g)?.length ?? 1
  );
}

/** Rows times columns of the largest sheet, by its cell addresses: the reader fills every gap. */
function largestSheetArea(parts: ZipParts): number {
  let largest = 0;
  for (const [name, content] of parts) {
    if (!/worksheets?\/[^/]*\.xml$/i.test(name)) continue;
    let rows = 0;
    let columns = 0;
    const text = content.toString('latin1');
    for (const [, letters, digits] of text.matchAll(/\sr\s*=\s*["']([A-Z]*)(\d+)["']/g)) {
      rows = Math.max(rows, Number(digits));
      columns = Math.max(columns, columnNumber(letters!));
    }
    largest = Math.max(largest, rows * Math.max(columns, 1));
  }
  return largest;
}

/** A = 1, Z = 26, AA = 27. */
function columnNumber(letters: string): number {
  let number = 0;
  for (const letter of letters) number = number * 26 + letter.charCodeAt(0) - 64;
  return number;
}

function asText(cell: unknown): string {
  const value = toValue(cell);
  return value === null ? '' : String(value);
}

function toValue(cell: unknown): string | number | boolean | null {
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean') return cell;
  return null;
}
