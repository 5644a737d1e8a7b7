/**
 * @file Parquet: row groups one after the other, flat columns in windows of rows, so that memory stays near one window.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { faultItem } from '../faults.ts';
import type { Row, RowItem } from '../types.ts';
import { createExpansionGuard, ExpandsTooMuch } from './expansion.ts';
import { checkRowGroup, ParquetTooLarge } from './parquet-pages.ts';
import type { DataFile } from './sniff.ts';

/** Rows decoded at once where columns are flat; nested columns are decoded a row group at a time. */
const WINDOW_ROWS = 16_384;

export async function* readParquet(file: DataFile): AsyncGenerator<RowItem> {
  const handle = await open(file.path, 'r');
  try {
    yield* readRowGroups(file, handle);
  } catch (error) {
    yield toFault(file.path, error);
  } finally {
    await handle.close();
  }
}

function toFault(file: string, error: unknown): RowItem {
  const reason = error instanceof Error ? error.message.replace(/^parquet /, '') : String(error);
  if (error instanceof ExpandsTooMuch) {
    return faultItem('data/too-large', file, reason, { hint: 'Remove the repeated rows, or give the rows as JSONL.' });
  }
  const message = `the Parquet file cannot be read: ${reason}`;
  if (error instanceof ParquetTooLarge) {
    const hint = 'Write it with smaller row groups (pandas: to_parquet(…, row_group_size=10000)), or as JSONL.';
    return faultItem('data/too-large', file, message, { hint });
  }
  return faultItem('data/broken-parquet', file, message, { hint: 'Copy or write the file again.' });
}

async function* readRowGroups(file: DataFile, handle: FileHandle): AsyncGenerator<RowItem> {
  const metadata = await parquetMetadataAsync(rangesOf(handle, file.sizeBytes), { geoparquet: false });
  const guard = createExpansionGuard(file.sizeBytes);
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const ranges = rangesOf(handle, file.sizeBytes);
    guard.expect(await checkRowGroup(ranges, group));
    const groupEnd = groupStart + Number(group.num_rows);
    const windowRows = isFlat(metadata) ? WINDOW_ROWS : groupEnd - groupStart;
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += windowRows) {
      const rowEnd = Math.min(groupEnd, rowStart + windowRows);
      const rows = await readWindow(ranges, metadata, rowStart, rowEnd);
      if (rows.length !== rowEnd - rowStart) throw new Error(`a row group ends after ${rows.length} rows`);
      guard.addRows(rows);
      for (const [index, row] of rows.entries()) yield toItem(file.path, row, rowStart + index + 1);
    }
    groupStart = groupEnd;
  }
}

/** A byte array that is not UTF-8; reported where its row is. */
class InvalidText {}

async function readWindow(file: AsyncBuffer, metadata: FileMetaData, rowStart: number, rowEnd: number): Promise<Row[]> {
  const stringFromBytes = (bytes: Uint8Array | undefined): string | InvalidText | undefined => {
    if (bytes === undefined) return undefined;
    return isUtf8(bytes)
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
      : new InvalidText();
  };
  const options = { file, metadata, rowStart, rowEnd, compressors, geoparquet: false, parsers: { stringFromBytes } };
  return (await parquetReadObjects(options)) as Row[];
}

function toItem(file: string, raw: Row, line: number): RowItem {
  const row: Record<string, unknown> = Object.fromEntries(
    Object.entries(raw).map(([key, value]) => [key, toJson(value)]),
  );
  const broken = Object.keys(row).find((key) => row[key] instanceof InvalidText);
  if (broken === undefined) return { kind: 'row', row, source: { file, line } };
  return faultItem('data/not-utf8', file, 'the bytes of this column are not UTF-8 text', {
    line,
    field: broken,
    hint: 'Store texts as strings (UTF-8), not as bytes.',
  });
}

/** Values as JSON has them: whole numbers as numbers, dates as text. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof InvalidText) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>, toJson);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
  }
  return value;
}

function isFlat(metadata: FileMetaData): boolean {
  const [, ...elements] = metadata.schema;
  return elements.every((element) => element.type !== undefined && element.repetition_type !== 'REPEATED');
}

/** File ranges for the library, each read once. */
function rangesOf(handle: FileHandle, byteLength: number): AsyncBuffer {
  const known = new Map<string, ArrayBuffer>();
  return {
    byteLength,
    slice: async (start, end = byteLength) => {
      const key = `${start}-${end}`;
      const cached = known.get(key);
      if (cached !== undefined) return cached;
      if (start < 0 || end > byteLength || end < start)
        throw new Error(`it refers to bytes ${start} to ${end}, beyond its end`);
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead !== bytes.length) throw new Error('it ends too early');
      known.set(key, bytes.buffer);
      return bytes.buffer;
    },
  };
}
