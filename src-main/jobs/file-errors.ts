/**
 * @file Turns the system's file errors into messages that name the path and what to do.
 */
import { AppError } from '../../src-shared/domain/app-error.ts';

/** The code of a Node system error (`ENOSPC`), else null. */
export function systemErrorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/**
 * @param what the path, or a phrase that names it
 * @returns an `AppError` where the person can mend it, else the error as it came
 */
export function explainFileError(error: unknown, what: string): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(what, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AppError('file/not-permitted', `${what}: no permission to write here`, {
        hint: 'Choose a folder that you own and that is not read-only.',
        cause: error,
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new AppError('file/not-a-folder', `${what}: a file of that name stands where a folder is needed`, {
        hint: 'Choose another folder.',
        cause: error,
      });
    case 'ENOENT':
      return new AppError('file/not-found', `${what}: no such file or folder`, {
        hint: 'Check the path.',
        cause: error,
      });
    default:
      return error;
  }
}

/** The disk ran full while something was written. */
export function diskFull(what: string, cause?: unknown): AppError {
  return new AppError('disk/full', `The disk is full: ${what} could not be written`, {
    kind: 'environment',
    hint: 'Free some space on that disk. What was saved before is kept; a run goes on with `tunesmith resume`.',
    cause,
  });
}

/** Runs file work and explains what fails. */
export async function withFileErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFileError(error, what);
  }
}
