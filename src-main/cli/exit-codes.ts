/**
 * @file How the program ends: 0 done, 1 our bug, 2 bad input, 3 the machine (runtime, memory, disk), 130 interrupted.
 */
import { AppError, Interrupted } from '../../src-shared/domain/app-error.ts';

export const EXIT_DONE = 0;
export const EXIT_BUG = 1;
export const EXIT_INPUT = 2;
export const EXIT_ENVIRONMENT = 3;
export const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return EXIT_INTERRUPTED;
  if (!(error instanceof AppError)) return EXIT_BUG;
  return error.kind === 'input' ? EXIT_INPUT : EXIT_ENVIRONMENT;
}
