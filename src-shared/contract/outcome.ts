/**
 * @file How a call ends, as it crosses processes: a value, or an error as plain JSON. Errors are never sent as thrown objects.
 */
import { AppError, fromPlainError, Interrupted, type PlainError, toPlainError } from '../domain/app-error.ts';

export type Outcome<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: PlainError };

/** Codes that the contract itself answers with; all others come from the services (`run/locked`, `data/empty`, …). */
export const CONTRACT_ERRORS = {
  /** There is no method of that name. */
  unknownMethod: 'contract/unknown-method',
  /** The arguments do not fit the method's schema; faults name the fields. */
  badArguments: 'contract/bad-arguments',
  /** A path that the person did not choose. */
  pathRefused: 'path/refused',
  /** The method needs the desktop app; this is a browser. */
  desktopOnly: 'desktop/not-here',
  /** Core ended while the call was open; what it did is not known. */
  coreRestarted: 'core/restarted',
  /** Core ends again and again and is not started any more. */
  coreFailed: 'core/failed',
  /** The person, or the end of the program, stopped it. */
  interrupted: 'work/interrupted',
  /** Our bug. */
  bug: 'internal/bug',
} as const;

export function succeed<Value>(value: Value): Outcome<Value> {
  return { ok: true, value };
}

/** Any thrown value as an outcome; what is no `AppError` is a bug of ours and says so. */
export function failWith(error: unknown): { readonly ok: false; readonly error: PlainError } {
  return { ok: false, error: toPlainError(explain(error)) };
}

/** @throws the `AppError` of an outcome that failed */
export function unwrap<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  throw fromPlainError(outcome.error);
}

function explain(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof Interrupted) {
    return new AppError(CONTRACT_ERRORS.interrupted, 'It was stopped before it had ended', { hint: 'Start it again.' });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new AppError(CONTRACT_ERRORS.bug, `Something went wrong inside Tunesmith: ${message}`, {
    kind: 'environment',
    hint: 'Try again. If it happens again, tell the developers and copy these details.',
    cause: error,
  });
}
