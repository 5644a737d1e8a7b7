/**
 * @file SQLite's failures as the few kinds that a person can do something about. Anything else is a bug of ours.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';

interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** SQLite's result code (extended codes begin with it) -> what we say. */
const EXPLANATIONS: readonly (readonly [prefix: string, explanation: Explanation])[] = [
  [
    'SQLITE_BUSY',
    {
      code: 'store/busy',
      message: 'The history is in use by another Tunesmith',
      hint: 'Wait a moment and try again.',
    },
  ],
  [
    'SQLITE_READONLY',
    {
      code: 'store/read-only',
      message: 'The history cannot be written',
      hint: 'Give yourself the right to write in the home folder, or set TUNESMITH_HOME to a folder you own.',
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      code: 'store/read-only',
      message: 'The history cannot be opened',
      hint: 'Give yourself the right to write in the home folder, or set TUNESMITH_HOME to a folder you own.',
    },
  ],
  [
    'SQLITE_FULL',
    {
      code: 'store/full',
      message: 'The disk is full: the history cannot be written',
      hint: 'Free some space on the disk that holds the home folder. Run folders keep what was trained.',
    },
  ],
  [
    'SQLITE_CORRUPT',
    {
      code: 'store/corrupt',
      message: 'The history is damaged',
      hint: 'It is rebuilt from the newest daily copy and the run folders when Tunesmith starts again.',
    },
  ],
  [
    'SQLITE_NOTADB',
    {
      code: 'store/corrupt',
      message: 'The history file is no database',
      hint: 'It is rebuilt from the newest daily copy and the run folders when Tunesmith starts again.',
    },
  ],
];

/** @returns the `AppError` for a failure of SQLite, anything else as it came */
export function explainStoreError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const found = EXPLANATIONS.find(([prefix]) => code.startsWith(prefix));
  if (!found) return error;
  const [, { code: ours, message, hint }] = found;
  return new AppError(ours, message, { kind: 'environment', hint, cause: error });
}

/** Runs database work and explains what fails. */
export function withStoreErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainStoreError(error);
  }
}
