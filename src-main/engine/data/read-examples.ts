/**
 * @file Rows of a file to examples: looks at the first rows, finds the format, then reads every row in it.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { columnsOf, detectFormat, type DetectedFormat, type DetectOptions } from './detect-format.ts';
import { aboutRow, dataFault, RowFault } from './faults.ts';
import type { Example } from './example.ts';
import { countChars } from './files/expansion.ts';
import { sniffFile, type DataFile } from './files/sniff.ts';
import type { FormatName } from './formats/data-format.ts';
import { viewRow } from './formats/field-values.ts';
import { readDataFile, type ReadRowsOptions } from './read-rows.ts';
import type { DataFault, DataNotice, Row, RowItem, RowSource } from './types.ts';

/** What was found out about a file, before its examples. */
export interface FoundFile {
  readonly file: DataFile;
  /** Columns of the sample. */
  readonly columns: readonly string[];
  readonly detected: DetectedFormat;
}

export type ExampleItem =
  | { readonly kind: 'file'; readonly found: FoundFile }
  | { readonly kind: 'example'; readonly example: Example; readonly source: RowSource }
  /** `isRow`: a row was there and could not be used; `source` where it could be read at least. */
  | { readonly kind: 'fault'; readonly fault: DataFault; readonly isRow: boolean; readonly source?: RowSource }
  | { readonly kind: 'notice'; readonly notice: DataNotice };

export type ReadExamplesOptions = DetectOptions & ReadRowsOptions;

const SAMPLE_ROWS = 100;
const SAMPLE_CHARS = 4_000_000;

/** Examples, faults and notices of one file, in its order; `file` comes once, before the first example. */
export async function* readExamples(path: string, options: ReadExamplesOptions): AsyncGenerator<ExampleItem> {
  const sniffed = await sniffFile(path);
  if (!sniffed.ok) {
    yield { kind: 'fault', fault: sniffed.fault, isRow: false };
    return;
  }
  const items = readDataFile(sniffed.file, options);
  const { buffered, sample } = await takeSample(items);
  if (sample.length === 0) {
    for (const item of buffered) yield* passOn(item);
    return;
  }
  const result = detectFormat(path, sample, options);
  if (!result.ok) {
    await items.return(undefined);
    for (const item of buffered) yield* passOn(item);
    yield { kind: 'fault', fault: result.fault, isRow: false };
    return;
  }
  const { detected } = result;
  yield { kind: 'file', found: { file: sniffed.file, columns: columnsOf(sample), detected } };
  for (const item of buffered) yield toExampleItem(item, detected);
  for await (const item of items) yield toExampleItem(item, detected);
}

/** Format of a file by its first rows, before it is known what they are for. @returns null where none fits or the file cannot be read */
export async function peekFormat(path: string, columns: ReadExamplesOptions['columns']): Promise<FormatName | null> {
  for await (const item of readExamples(path, { format: 'auto', columns, taskType: null })) {
    if (item.kind === 'file') return item.found.detected.format.name;
  }
  return null;
}

async function takeSample(items: AsyncGenerator<RowItem>): Promise<{ buffered: RowItem[]; sample: Row[] }> {
  const buffered: RowItem[] = [];
  const sample: Row[] = [];
  let chars = 0;
  while (sample.length < SAMPLE_ROWS && chars < SAMPLE_CHARS) {
    const next = await items.next();
    if (next.done === true) break;
    buffered.push(next.value);
    if (next.value.kind !== 'row') continue;
    sample.push(next.value.row);
    chars += countChars(next.value.row);
  }
  return { buffered, sample };
}

function* passOn(item: RowItem): Generator<ExampleItem> {
  if (item.kind === 'fault') yield { kind: 'fault', fault: item.fault, isRow: item.fault.line !== null };
  if (item.kind === 'notice') yield item;
}

function toExampleItem(item: RowItem, detected: DetectedFormat): ExampleItem {
  if (item.kind === 'fault') return { kind: 'fault', fault: item.fault, isRow: item.fault.line !== null };
  if (item.kind === 'notice') return item;
  const { row, source } = item;
  try {
    return { kind: 'example', example: detected.format.read(viewRow(row, detected.plan)), source };
  } catch (error) {
    return { kind: 'fault', fault: rowFaultAt(error, source), isRow: true, source };
  }
}

/** Gives a row's fault its place. Anything else than a RowFault, or text that the tokenizer cannot put into tokens, is a bug and goes on. */
export function rowFaultAt(error: unknown, source: RowSource): DataFault {
  const { code, message, field, hint } = asRowFault(error);
  const place = { line: source.line, field, ...(hint === undefined ? {} : { hint }) };
  return dataFault(code, source.file, aboutRow(message, source), place);
}

function asRowFault(error: unknown): RowFault {
  if (error instanceof RowFault) return error;
  if (!(error instanceof AppError && error.code.startsWith('tokenizer/'))) throw error;
  return new RowFault(error.code, error.message, { hint: error.hint });
}
