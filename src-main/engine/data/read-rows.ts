/**
 * @file Reads the rows of a data file, whatever its type, as one stream of rows, faults and notices.
 *
 * One file a type stands in files/. Text types, Parquet and JSON lists stream in flat memory; a spreadsheet is read whole, under a
 * limit. Nothing thrown by a reader escapes as a bug: what a file can do wrong is a fault.
 */
import { Interrupted } from '../../../src-shared/domain/app-error.ts';
import { faultItem } from './faults.ts';
import { readCsv } from './files/csv.ts';
import { readJson } from './files/json.ts';
import { readJsonl } from './files/jsonl.ts';
import { MAX_HOPELESS_FAULTS } from './files/limits.ts';
import { readParquet } from './files/parquet.ts';
import { sniffFile, type DataFile } from './files/sniff.ts';
import { readText, type TextUnit } from './files/text.ts';
import { readXlsx } from './files/xlsx.ts';
import type { RowItem } from './types.ts';

export interface ReadRowsOptions {
  /** How plain text becomes rows; default `paragraph`. */
  readonly textUnit?: TextUnit;
  /** Ends reading with `Interrupted`. */
  readonly signal?: AbortSignal;
}

/** Rows, faults and notices of one file, in its order. A file that cannot be read gives one fault. */
export async function* readRows(path: string, options: ReadRowsOptions = {}): AsyncGenerator<RowItem> {
  const sniffed = await sniffFile(path);
  if (!sniffed.ok) {
    yield { kind: 'fault', fault: sniffed.fault };
    return;
  }
  yield* readDataFile(sniffed.file, options);
}

/** The same for a file that was already looked at. */
export async function* readDataFile(file: DataFile, options: ReadRowsOptions = {}): AsyncGenerator<RowItem> {
  const { signal, textUnit = 'paragraph' } = options;
  let rows = 0;
  let faults = 0;
  for await (const item of reportReadErrors(file, openReader(file, textUnit))) {
    if (signal?.aborted === true) throw new Interrupted();
    if (item.kind === 'fault') faults++;
    if (item.kind === 'row') rows++;
    yield item;
    if (rows === 0 && faults >= MAX_HOPELESS_FAULTS) {
      yield faultItem(
        'data/gave-up',
        file.path,
        `none of the first ${faults} rows can be read; the rest was not looked at`,
        {
          hint: 'Check that the file is what its name says.',
        },
      );
      return;
    }
  }
  if (rows === 0 && faults === 0) {
    yield faultItem('data/no-rows', file.path, 'the file has no rows', {
      hint: 'Give a file with at least one row of data.',
    });
  }
}

function openReader(file: DataFile, textUnit: TextUnit): AsyncGenerator<RowItem> {
  switch (file.type) {
    case 'jsonl':
      return readJsonl(file);
    case 'json':
      return readJson(file);
    case 'csv':
    case 'tsv':
      return readCsv(file);
    case 'txt':
      return readText(file, textUnit);
    case 'parquet':
      return readParquet(file);
    case 'xlsx':
      return readXlsx(file);
  }
}

/** A disk or a share that fails in the middle is the file's fault, not a bug. */
async function* reportReadErrors(file: DataFile, items: AsyncGenerator<RowItem>): AsyncGenerator<RowItem> {
  try {
    yield* items;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    yield faultItem('data/unreadable-file', file.path, `reading stopped with ${code ?? 'an error'}`, {
      hint: 'Check the disk or the network share.',
    });
  }
}
