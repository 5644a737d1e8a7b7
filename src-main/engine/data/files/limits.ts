/**
 * @file How large the parts of a data file may be. A file beyond a limit is refused with the limit in the message, before the
 * memory for it is taken.
 */
const MIB = 1024 * 1024;

/** One line, one CSV record, one element of a JSON array. */
export const MAX_ROW_BYTES = 16 * MIB;
/** Lines of one CSV record: beyond that, an opening quote lacks its partner. */
export const MAX_RECORD_LINES = 50_000;
/** Columns of a table; a spreadsheet has no more. */
export const MAX_COLUMNS = 16_384;
/** Commas of one row of JSON: the values between them take far more memory than their text. */
export const MAX_ROW_COMMAS = 1_000_000;
/** Brackets inside brackets of one row. */
export const MAX_JSON_DEPTH = 256;
/** Broken rows of a file that has no good one yet, after which the rest is not looked at. */
export const MAX_HOPELESS_FAULTS = 1000;
/** Everything beside the rows in a JSON object. */
export const MAX_JSON_FRAME_BYTES = MIB;
/** All XML parts of a spreadsheet, unpacked. */
export const MAX_XLSX_BYTES = 96 * MIB;
/** Cells of a spreadsheet, gaps included: a single cell at the far corner makes a matrix. */
export const MAX_XLSX_CELLS = 8_000_000;
/** One page of a Parquet column, unpacked. */
export const MAX_PARQUET_PAGE_BYTES = 64 * MIB;
/** Compressed column chunks of one Parquet row group, held at once. */
export const MAX_PARQUET_GROUP_BYTES = 256 * MIB;
/** Values of one column in one Parquet row group. */
export const MAX_PARQUET_VALUES = 32_000_000;
/** Text that a compressed table may give in all, unless its file is itself large. */
export const MAX_EXPANDED_CHARS = 48 * MIB;
/** Times its own size that a compressed table may give. */
export const MAX_EXPANSION = 200;

/** `16 MB`, for messages. */
export function inMegabytes(bytes: number): string {
  const megabytes = bytes / MIB;
  return `${megabytes < 10 && !Number.isInteger(megabytes) ? megabytes.toFixed(1) : Math.round(megabytes)} MB`;
}
