/**
 * @file Faults of data files: made in one shape, gathered without end, listed up to a limit.
 */
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import type { Told } from '../../../src-shared/domain/notices.ts';
import type { DataFault, DataNotice, RowItem, RowSource } from './types.ts';

/** Where in the file, and what to do. */
export interface FaultPlace {
  readonly line?: number | null;
  readonly field?: string | null;
  readonly hint?: string;
}

/** One fault of a file or row. */
export function dataFault(code: string, file: string, message: string, place: FaultPlace = {}): DataFault {
  const { line = null, field = null, hint } = place;
  return { code, file, line, field, message, ...(hint === undefined ? {} : { hint }) };
}

/** The same as an item of a row stream. */
export function faultItem(code: string, file: string, message: string, place: FaultPlace = {}): RowItem {
  return { kind: 'fault', fault: dataFault(code, file, message, place) };
}

/** A notice as an item of a row stream. */
export function noticeItem(file: string, told: Told): RowItem {
  return { kind: 'notice', notice: { ...told, file } };
}

/** What is wrong with one row; thrown where the row is interpreted, turned into a `DataFault` by who knows its place. */
export class RowFault extends Error {
  readonly code: string;
  readonly field: string | null;
  readonly hint: string | undefined;

  constructor(code: string, message: string, place: { field?: string | null; hint?: string } = {}) {
    super(message);
    this.name = 'RowFault';
    this.code = code;
    this.field = place.field ?? null;
    this.hint = place.hint;
  }
}

/** What is said of a row: the element of a JSON array is named, as its line does not tell it. */
export function aboutRow(message: string, { row }: Pick<RowSource, 'row'>): string {
  return row === undefined ? message : `row ${row}: ${message}`;
}

/** How many faults are shown one by one; the rest are counted. */
export const MAX_LISTED_FAULTS = 50;

const MAX_LISTED_FILE_FAULTS = 20;

/** Gathers faults in constant memory. */
export class FaultList {
  readonly #listed: DataFault[] = [];
  readonly #counts = new Map<string, number>();
  #total = 0;

  add(fault: DataFault): void {
    this.#total++;
    this.#counts.set(fault.code, (this.#counts.get(fault.code) ?? 0) + 1);
    // What is wrong with a whole file must not drown in its rows.
    const room = MAX_LISTED_FAULTS + (fault.line === null ? MAX_LISTED_FILE_FAULTS : 0);
    if (this.#listed.length < room) this.#listed.push(fault);
  }

  get total(): number {
    return this.#total;
  }

  /** The first ones: MAX_LISTED_FAULTS, and a few more that concern a whole file. */
  get listed(): readonly DataFault[] {
    return this.#listed;
  }

  /** Fault code -> how often. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  countOf(...codes: string[]): number {
    return codes.reduce((sum, code) => sum + (this.#counts.get(code) ?? 0), 0);
  }

  /** For an AppError: the listed ones, and one line for those that were only counted. */
  toFaults(): Fault[] {
    const more = this.#total - this.#listed.length;
    if (more === 0) return [...this.#listed];
    return [...this.#listed, { file: null, message: `and ${more} more fault(s) of this kind or others` }];
  }
}

/** Notices without repetition. */
export class NoticeList {
  readonly #notices = new Map<string, DataNotice>();

  /** Of all files. */
  tell(told: Told): void {
    this.add({ ...told, file: null });
  }

  add(notice: DataNotice): void {
    this.#notices.set(`${notice.code}\n${notice.file}\n${notice.message}`, notice);
  }

  get all(): readonly DataNotice[] {
    return [...this.#notices.values()];
  }
}

/** A short piece of text for a message, on one line. */
export function excerpt(text: string, maxChars = 40): string {
  const line = text
    .slice(0, maxChars * 2)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > maxChars ? `${line.slice(0, maxChars)}…` : line;
}
