/**
 * @file Goes through data files once, training files first, and gives each usable example to a handler; everything else goes into
 * the report.
 */
import { digestExample, type Example } from './example.ts';
import { readExamples, rowFaultAt, type ReadExamplesOptions } from './read-examples.ts';
import type { FileRole, ReportBuilder } from './report-builder.ts';
import type { RowSource } from './types.ts';

export interface FilesToScan {
  readonly train: readonly string[];
  readonly eval: readonly string[];
}

export interface ScanOptions extends ReadExamplesOptions {
  /** Called now and then with the rows seen so far. */
  readonly onProgress?: (rows: number) => void;
}

/** Uses one example. May throw RowFault: the row is then a bad one. */
export type ExampleHandler = (example: Example, digest: bigint, source: RowSource, role: FileRole) => void;

const PROGRESS_ROWS = 1000;

export async function scanFiles(
  files: FilesToScan,
  options: ScanOptions,
  report: ReportBuilder,
  handle: ExampleHandler,
): Promise<void> {
  let rows = 0;
  for (const role of ['train', 'eval'] as const) {
    for (const path of files[role]) {
      report.openFile(path, role);
      for await (const item of readExamples(path, options)) {
        if (item.kind === 'file') report.describeFile(item.found);
        else if (item.kind === 'notice') report.notices.add(item.notice);
        else if (item.kind === 'fault') report.addFault(item.fault, item.isRow);
        else handleExample(item.example, item.source, role, report, handle);
        if (++rows % PROGRESS_ROWS === 0) options.onProgress?.(rows);
      }
    }
  }
}

function handleExample(
  example: Example,
  source: RowSource,
  role: FileRole,
  report: ReportBuilder,
  handle: ExampleHandler,
): void {
  try {
    handle(example, digestExample(example), source, role);
  } catch (error) {
    report.addFault(rowFaultAt(error, source), true);
  }
}
