/**
 * @file Copies data files without the rows that stand in the way: bad ones, repetitions, evaluation rows that are trained too.
 *
 * Rows are copied as they are, column by column, so the copy reads like the file it came from. What to leave out is found in a first
 * pass over all files; the second copies. The files themselves are never touched: going back is using them again.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import type { LeaveOut, RepairedFile } from '../../../src-shared/domain/data-report.ts';
import { createDigestTable } from './digest-table.ts';
import { digestExample, type Example } from './example.ts';
import { readExamples, type ReadExamplesOptions } from './read-examples.ts';
import { readRows } from './read-rows.ts';
import type { Row, RowSource } from './types.ts';

export interface RepairOptions extends ReadExamplesOptions {
  readonly train: readonly string[];
  readonly eval: readonly string[];
  readonly leaveOut: readonly LeaveOut[];
  /** Writes one copy, JSON lines. Called for files that change only. @returns its path */
  readonly write: (file: string, lines: AsyncIterable<string>) => Promise<string>;
}

interface SeenFile {
  readonly path: string;
  readonly role: 'train' | 'eval';
  readonly dropped: Set<number>;
  kept: number;
  readonly counts: { bad: number; duplicates: number; overlap: number };
}

/** @throws data/not-repairable where a file cannot be read at all, data/nothing-left, Interrupted */
export async function repairData(options: RepairOptions): Promise<RepairedFile[]> {
  const files = await findDropped(options);
  const empty = files.filter(({ kept }) => kept === 0);
  if (empty.length > 0) {
    throw new AppError(
      'data/nothing-left',
      `${empty.map(({ path }) => path).join(', ')}: no usable row would be left`,
      {
        hint: 'Look at the format and the columns: perhaps the file is read in a way that does not fit it.',
      },
    );
  }
  const repaired: RepairedFile[] = [];
  for (const { path: from, role, kept, counts: left_out, dropped } of files) {
    const isWhole = left_out.bad + left_out.duplicates + left_out.overlap === 0;
    const to = isWhole ? from : await options.write(from, keptLines(from, dropped, options));
    repaired.push({ from, to, role, kept, left_out });
  }
  return repaired;
}

async function findDropped(options: RepairOptions): Promise<SeenFile[]> {
  const wants = (name: LeaveOut) => options.leaveOut.includes(name);
  const seen = { train: createDigestTable(), eval: createDigestTable() };
  const faults: Fault[] = [];
  const files: SeenFile[] = [];
  for (const role of ['train', 'eval'] as const) {
    for (const path of options[role]) {
      const file: SeenFile = { path, role, dropped: new Set(), kept: 0, counts: { bad: 0, duplicates: 0, overlap: 0 } };
      const judge = (example: Example, line: number): keyof SeenFile['counts'] | null => {
        const digest = digestExample(example);
        if (role === 'eval' && wants('overlap') && seen.train.find(digest) !== null) return 'overlap';
        const before = seen[role].addOrFind(digest, { file: files.length, line });
        return before !== null && wants('duplicates') ? 'duplicates' : null;
      };
      for await (const item of readExamples(path, options)) {
        if (item.kind === 'fault' && !item.isRow) faults.push(item.fault);
        else if (item.kind === 'fault') countDropped(file, 'bad', item.source);
        else if (item.kind === 'example') {
          const reason = judge(item.example, item.source.line);
          if (reason === null) file.kept++;
          else countDropped(file, reason, item.source);
        }
      }
      files.push(file);
    }
  }
  refuse(faults, files, wants('bad'));
  return files;
}

/** @param source left out for what is not read as a row the second time either */
function countDropped({ dropped, counts }: SeenFile, reason: keyof SeenFile['counts'], source?: RowSource): void {
  if (source) dropped.add(numberOf(source));
  counts[reason]++;
}

const numberOf = ({ row, line }: RowSource): number => row ?? line;

/** A file that cannot be read has no rows to copy; bad rows stay where nobody asked to leave them out. */
function refuse(faults: readonly Fault[], files: readonly SeenFile[], dropsBad: boolean): void {
  if (faults.length > 0) {
    throw new AppError('data/not-repairable', faults.map(({ file, message }) => `${file}: ${message}`).join('; '), {
      faults,
      hint: 'Save the file again in another format (JSONL, CSV), or choose another file.',
    });
  }
  const bad = files.reduce((sum, { counts }) => sum + counts.bad, 0);
  if (bad === 0 || dropsBad) return;
  throw new AppError('data/not-repairable', `${bad} row(s) cannot be used and were not to be left out`, {
    hint: 'Leave out the bad rows too.',
  });
}

async function* keptLines(
  path: string,
  dropped: ReadonlySet<number>,
  options: ReadExamplesOptions,
): AsyncGenerator<string> {
  for await (const item of readRows(path, options)) {
    if (item.kind === 'row' && !dropped.has(numberOf(item.source))) yield `${stringifyRow(item.row)}\n`;
  }
}

/** Parquet's whole numbers are bigger than JSON's. */
function stringifyRow(row: Row): string {
  return JSON.stringify(row, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  });
}
