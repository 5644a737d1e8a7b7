/**
 * @file Data files made by the tests themselves: a temporary folder, spreadsheets, Parquet files, archives.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { packZipParts } from '../../../../src-main/engine/data/files/zip-parts.ts';
import { readRows } from '../../../../src-main/engine/data/read-rows.ts';
import type { DataFault, DataNotice, Row } from '../../../../src-main/engine/data/types.ts';

/** A folder that takes files and goes away. */
export interface Workplace {
  readonly dir: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  remove(): Promise<void>;
}

export async function makeWorkplace(): Promise<Workplace> {
  const dir = await mkdtemp(path.join(tmpdir(), 'tunesmith-data-'));
  return {
    dir,
    write: async (name, content) => {
      const file = path.join(dir, name);
      await writeFile(file, content);
      return file;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export interface ReadResult {
  readonly rows: Row[];
  readonly lines: number[];
  readonly faults: DataFault[];
  readonly notices: DataNotice[];
}

export async function readAll(file: string): Promise<ReadResult> {
  const result: ReadResult = { rows: [], lines: [], faults: [], notices: [] };
  for await (const item of readRows(file)) {
    if (item.kind === 'fault') result.faults.push(item.fault);
    else if (item.kind === 'notice') result.notices.push(item.notice);
    else {
      result.rows.push(item.row);
      result.lines.push(item.source.line);
    }
  }
  return result;
}

export const toJsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

type CellValue = string | number | boolean | null;

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Parts of a workbook with one sheet; `sheetXml` replaces the sheet. */
export function workbookParts(cells: readonly (readonly CellValue[])[], sheetXml?: string): Map<string, Buffer> {
  const cellXml = (value: CellValue, row: number, column: number): string => {
    if (value === null) return '';
    const place = `${String.fromCharCode(65 + column)}${row + 1}`;
    if (typeof value === 'number') return `<c r="${place}"><v>${value}</v></c>`;
    return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(String(value))}</t></is></c>`;
  };
  const rows = cells.map(
    (row, index) => `<row r="${index + 1}">${row.map((value, column) => cellXml(value, index, column)).join('')}</row>`,
  );
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const parts: Record<string, string> = {
    '[Content_Types].xml': '<Types/>',
    'xl/workbook.xml': `<workbook xmlns="${main}" xmlns:r="${office}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships><Relationship Id="rId1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    'xl/worksheets/sheet1.xml':
      sheetXml ?? `<worksheet xmlns="${main}"><sheetData>${rows.join('')}</sheetData></worksheet>`,
  };
  return new Map(Object.entries(parts).map(([name, xml]) => [name, Buffer.from(xml)]));
}

export const makeXlsx = (cells: readonly (readonly CellValue[])[]): Buffer => packZipParts(workbookParts(cells));

/** A ZIP archive with compressed parts. @param claimedBytes what the directory says each part unpacks to, if not the truth. */
export function packDeflated(parts: ReadonlyMap<string, Buffer>, claimedBytes?: number): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of parts) {
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedBytes ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.size, 8);
  end.writeUInt16LE(parts.size, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...directory, end]);
}

export type ParquetColumns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

export function makeParquet(
  columnData: ParquetColumns,
  options: { rowGroupSize?: number; codec?: 'SNAPPY' | 'UNCOMPRESSED' } = {},
): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData, ...options }));
}
