/**
 * @file CSV and TSV: column names in the first row, one row of texts per record, flat memory.
 */
import { makeNotice } from '../../../../src-shared/domain/notices.ts';
import { dataFault, faultItem, noticeItem } from '../faults.ts';
import type { Row, RowItem } from '../types.ts';
import { createCsvSplitter, type CsvRecord, type CsvSplitter } from './csv-record.ts';
import { inMegabytes, MAX_RECORD_LINES, MAX_ROW_BYTES } from './limits.ts';
import { readLines } from './lines.ts';
import type { DataFile } from './sniff.ts';
import { checkHeader } from './table-header.ts';

const DELIMITERS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' };
/** Lines that the delimiter is guessed from. */
const GUESS_LINES = 50;

export async function* readCsv(file: DataFile): AsyncGenerator<RowItem> {
  let splitter: CsvSplitter | null = null;
  let names: readonly string[] | null = null;
  for await (const lines of readLines(file)) {
    for (const { number, text, fault } of lines) {
      if (fault) yield { kind: 'fault', fault };
      // Without its first row the others have no names.
      if (text === null && names === null) return;
      if (text === null) continue;
      if (splitter === null) {
        const separator = /^sep=(.)$/.exec(text)?.[1];
        const sample = lines.map((line) => line.text).filter((line) => line !== null);
        const delimiter = separator ?? guessDelimiter(file, sample);
        splitter = createCsvSplitter(delimiter);
        if (delimiter !== ',' && file.type === 'csv') {
          const name = DELIMITERS[delimiter] ?? `"${delimiter}"`;
          const told = makeNotice('data/delimiter', { delimiter: name }, `columns are separated by ${name}`);
          yield noticeItem(file.path, told);
        }
        if (separator !== undefined) continue;
      }
      const record = splitter.push(text, number);
      if (record === null) {
        const { chars, lines: recordLines } = splitter.pending();
        if (chars <= MAX_ROW_BYTES && recordLines <= MAX_RECORD_LINES) continue;
        const size = chars > MAX_ROW_BYTES ? inMegabytes(MAX_ROW_BYTES) : `${MAX_RECORD_LINES} lines`;
        yield openQuote(file.path, splitter.openQuoteLine(), `more than ${size} follow it`);
        return;
      }
      if (isBlank(record)) continue;
      if (names !== null) {
        yield toRow(file.path, names, record);
        continue;
      }
      const header = checkHeader(file.path, record.line, record.fields);
      if ('fault' in header) {
        yield { kind: 'fault', fault: header.fault };
        return;
      }
      names = header.names;
    }
  }
  const quoteLine = splitter?.openQuoteLine() ?? null;
  if (quoteLine !== null) yield openQuote(file.path, quoteLine, 'the file ends before it');
}

function isBlank(record: CsvRecord): boolean {
  return record.fields.length === 1 && record.fields[0]!.trim() === '' && record.fault === null;
}

function openQuote(file: string, line: number | null, why: string): RowItem {
  return faultItem('data/open-quote', file, `the double quote that opens here is never closed (${why})`, {
    line,
    hint: 'Close it, or write a quote that belongs to the text twice ("").',
  });
}

function toRow(file: string, names: readonly string[], record: CsvRecord): RowItem {
  const { fields, line, fault } = record;
  if (fault !== null) return { kind: 'fault', fault: dataFault('data/broken-quotes', file, fault, { line }) };
  if (fields.length !== names.length) {
    return faultItem(
      'data/field-count',
      file,
      `the row has ${fields.length} fields, the first row names ${names.length}`,
      {
        line,
        hint: 'Put double quotes around a text that contains the delimiter or a line break.',
      },
    );
  }
  const row: Row = Object.fromEntries(names.map((name, index) => [name, fields[index]]));
  return { kind: 'row', row, source: { file, line } };
}

/** The delimiter that cuts the first lines into the most equal rows of more than one field. */
function guessDelimiter(file: DataFile, sample: readonly string[]): string {
  if (file.type === 'tsv') return '\t';
  let best = ',';
  let bestScore = 0;
  for (const delimiter of Object.keys(DELIMITERS)) {
    const score = scoreDelimiter(delimiter, sample.slice(0, GUESS_LINES));
    if (score > bestScore) [best, bestScore] = [delimiter, score];
  }
  return best;
}

/** Share of records with as many fields as the header, plus a little for more fields; 0 where the header is not cut. */
function scoreDelimiter(delimiter: string, sample: readonly string[]): number {
  const splitter = createCsvSplitter(delimiter);
  const counts = sample
    .map((line, index) => splitter.push(line, index + 1))
    .filter((record) => record !== null && !isBlank(record))
    .map((record) => record!.fields.length);
  const [header = 0] = counts;
  if (header < 2) return 0;
  return counts.filter((count) => count === header).length / counts.length + Math.min(header, 10) / 1000;
}
