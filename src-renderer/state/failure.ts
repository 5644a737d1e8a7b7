/**
 * @file Any failure in the one shape that screens show.
 */
import { AppError, type PlainError, toPlainError } from '../../src-shared/domain/app-error.ts';
import { CONTRACT_ERRORS } from '../../src-shared/contract/outcome.ts';

/** What is no `AppError` is a bug of the window's; its stack goes to the console, not on the screen. */
export function toFailure(error: unknown): PlainError {
  if (error instanceof AppError) return toPlainError(error);
  reportError(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code: CONTRACT_ERRORS.bug, kind: 'environment', message, hint: '', faults: [] };
}

/** True where the person stopped it: nothing to be told. */
export function isCancelled(failure: PlainError): boolean {
  return failure.code === CONTRACT_ERRORS.interrupted;
}
