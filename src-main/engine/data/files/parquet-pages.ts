/**
 * @file Walks through the page headers of a Parquet row group before it is decoded, and refuses what would unpack without end.
 *
 * The sizes in the footer are only claims, and the decoder allocates by the claims in the page headers; so those are what is
 * checked: unpacked bytes and number of values of every page.
 */
import type { AsyncBuffer, ColumnMetaData, RowGroup } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { inMegabytes, MAX_PARQUET_GROUP_BYTES, MAX_PARQUET_PAGE_BYTES, MAX_PARQUET_VALUES } from './limits.ts';

/** The file is valid as far as seen, but too large for us. */
export class ParquetTooLarge extends Error {}

/**
 * @returns roughly how many bytes the group's values take when values of a dictionary are written out
 * @throws ParquetTooLarge, or Error where headers make no sense
 */
export async function checkRowGroup(file: AsyncBuffer, group: RowGroup): Promise<number> {
  const columns = group.columns.map((column) => column.meta_data).filter((column) => column !== undefined);
  if (columns.length !== group.columns.length) throw new Error('its columns are encrypted or in other files');
  const compressed = columns.reduce((sum, column) => sum + Number(column.total_compressed_size), 0);
  if (compressed > MAX_PARQUET_GROUP_BYTES) {
    throw new ParquetTooLarge(
      `a row group has ${inMegabytes(compressed)}, more than ${inMegabytes(MAX_PARQUET_GROUP_BYTES)}`,
    );
  }
  if (Number(group.num_rows) > MAX_PARQUET_VALUES)
    throw new ParquetTooLarge(`a row group claims ${group.num_rows} rows`);
  let bytes = 0;
  for (const column of columns) bytes += await checkPages(file, column);
  return bytes;
}

async function checkPages(file: AsyncBuffer, column: ColumnMetaData): Promise<number> {
  const name = column.path_in_schema.join('.');
  const valueCount = Number(column.num_values);
  if (valueCount > MAX_PARQUET_VALUES)
    throw new ParquetTooLarge(`column ${name} claims ${valueCount} values in one row group`);
  const dictionary = Number(column.dictionary_page_offset ?? 0);
  const start =
    dictionary > 0 ? Math.min(dictionary, Number(column.data_page_offset)) : Number(column.data_page_offset);
  const bytes = await file.slice(start, start + Number(column.total_compressed_size));
  const reader = { view: new DataView(bytes), offset: 0 };
  let values = 0;
  let writtenOut = 0;
  let bytesPerEntry = 0;
  while (reader.offset < bytes.byteLength - 1 && values < valueCount) {
    const header = parquetHeader(reader);
    const unpacked = Number(header.uncompressed_page_size);
    if (!(unpacked >= 0) || !(header.compressed_page_size >= 0))
      throw new Error(`column ${name} has a page without a size`);
    if (unpacked > MAX_PARQUET_PAGE_BYTES) {
      const limit = inMegabytes(MAX_PARQUET_PAGE_BYTES);
      throw new ParquetTooLarge(`a page of column ${name} unpacks to ${inMegabytes(unpacked)}, more than ${limit}`);
    }
    const pageValues = (header.data_page_header ?? header.data_page_header_v2)?.num_values ?? 0;
    const entries = pageValues + (header.dictionary_page_header?.num_values ?? 0);
    if (entries < 0 || pageValues > valueCount - values || entries > MAX_PARQUET_VALUES) {
      throw new Error(`a page of column ${name} claims ${entries} values, the column has ${valueCount}`);
    }
    values += pageValues;
    if (header.dictionary_page_header !== undefined) bytesPerEntry = unpacked / Math.max(1, entries);
    writtenOut += Math.max(unpacked, pageValues * bytesPerEntry);
    reader.offset += header.compressed_page_size;
    if (reader.offset > bytes.byteLength) throw new Error(`a page of column ${name} goes beyond its column`);
  }
  return writtenOut;
}
