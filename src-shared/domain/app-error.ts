/**
 * @file The one error type for everything a user can run into.
 *
 * An expected failure (bad file, impossible setting, full disk) is an `AppError`: it carries a stable code, a message that says
 * what happened and where, and a hint that says what to do. Anything else that is thrown is a bug of ours (exit code 1).
 * Errors never cross a process as thrown objects: send `toPlainError`, rebuild with `fromPlainError`.
 */

/** Who can mend it: the person's input (exit 2) or the machine it runs on (exit 3). */
export type AppErrorKind = 'input' | 'environment';

/** One fault of several that are reported together. */
export interface Fault {
  /** File path as the user gave it, or null where no file is concerned. */
  readonly file?: string | null;
  /** 1-based line (text files) or row (tables), null when the whole file is meant. */
  readonly line?: number | null;
  /** Field, column or configuration path (`peft.r`). */
  readonly field?: string | null;
  readonly message: string;
  readonly hint?: string;
}

export interface PlainError {
  /** `area/reason`, stable, for instance `data/bad-row`. */
  readonly code: string;
  readonly kind: AppErrorKind;
  readonly message: string;
  readonly hint: string;
  readonly faults: readonly Fault[];
}

export interface AppErrorOptions {
  readonly kind?: AppErrorKind;
  readonly hint?: string;
  readonly faults?: readonly Fault[];
  readonly cause?: unknown;
}

/** An expected failure with a code, a message in plain words and what to do about it. */
export class AppError extends Error {
  readonly code: string;
  readonly kind: AppErrorKind;
  readonly hint: string;
  readonly faults: readonly Fault[];

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.kind = options.kind ?? 'input';
    this.hint = options.hint ?? '';
    this.faults = options.faults ?? [];
  }
}

/** Thrown where the user (or a closing app) asked to stop; a run status, not an error. Exit code 130. */
export class Interrupted extends Error {
  constructor(message = 'interrupted') {
    super(message);
    this.name = 'Interrupted';
  }
}

/** Turns an `AppError` into JSON that survives a process boundary. */
export function toPlainError(error: AppError): PlainError {
  const { code, kind, message, hint, faults } = error;
  return { code, kind, message, hint, faults };
}

/** Rebuilds the `AppError` on the other side. */
export function fromPlainError(plain: PlainError): AppError {
  return new AppError(plain.code, plain.message, plain);
}

/** One line per fault: `file:line: field: message`. */
export function formatFault(fault: Fault): string {
  const place = [fault.file, fault.line].filter((part) => part !== null && part !== undefined).join(':');
  return [place, fault.field, fault.message].filter(Boolean).join(': ') + (fault.hint ? ` (${fault.hint})` : '');
}

/** Makes an unhandled member of a union a compile error, and a bug at run time. */
export function assertNever(value: never): never {
  throw new Error(`internal: unexpected value ${JSON.stringify(value)}`);
}
