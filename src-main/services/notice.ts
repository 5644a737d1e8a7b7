/**
 * @file Something that the person should know, though nothing failed.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { Values } from '../../src-shared/domain/notices.ts';

export interface Notice {
  /** `area/reason`. */
  readonly code: string;
  readonly message: string;
  /** The facts of the message; what failed has none. */
  readonly values?: Values;
  /** What to type in a terminal; windows have buttons. */
  readonly command?: string;
}

/** What went wrong in work that nobody waits for. */
export function toNotice(error: unknown): Notice {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof AppError ? error.code : 'internal/bug', message };
}
