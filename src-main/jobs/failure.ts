/**
 * @file A thrown value as a message that crosses processes, and back.
 */
import { AppError, fromPlainError, Interrupted, toPlainError } from '../../src-shared/domain/app-error.ts';
import { emptyKernelCache, kernelCacheFolder, saysKernelCache } from '../engine/device/kernel-cache.ts';
import { saysOutOfMemory } from '../engine/device/out-of-memory.ts';
import { diskFull, systemErrorCode } from './file-errors.ts';
import type { JobFailure } from './protocol.ts';

export function toFailure(error: unknown): JobFailure {
  if (error instanceof Interrupted) return { kind: 'interrupted', message: error.message };
  const known = explainKnown(error);
  if (known) return { kind: 'expected', error: toPlainError(known) };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: 'bug', message, stack: stack ?? message };
}

/** @returns `AppError`, `Interrupted` or a plain Error whose stack is the job's */
export function fromFailure(failure: JobFailure): Error {
  if (failure.kind === 'expected') return fromPlainError(failure.error);
  if (failure.kind === 'interrupted') return new Interrupted(failure.message);
  const error = new Error(failure.message);
  error.stack = failure.stack;
  return error;
}

export const NEED_LESS =
  'Close other programs, or need less: a smaller training.per_device_train_batch_size (with more ' +
  'gradient_accumulation_steps), a shorter data.max_length, gradient_checkpointing true, or a quantized base model.';

/** Memory ran out; `where` says in what, for instance "training, after step 40". */
export function outOfMemory(
  where: string,
  { hint = NEED_LESS, cause }: { hint?: string; cause?: unknown } = {},
): AppError {
  return new AppError('memory/exhausted', `Memory ran out (${where})`, { kind: 'environment', hint, cause });
}

function explainKnown(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  if (['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '')) return diskFull('a file', error);
  if (error instanceof Error && saysOutOfMemory(error.message)) return outOfMemory(error.message, { cause: error });
  if (error instanceof Error && saysKernelCache(error.message)) return kernelCacheFault(error);
  return null;
}

/** Nothing is lost with them, and what is damaged would stop every run. */
function kernelCacheFault(cause: Error): AppError {
  emptyKernelCache();
  const reason = cause.message.split('\n')[0]!.replace(/^.*error: /, '');
  return new AppError('engine/kernel-cache', `Kept kernels could not be read or written (${reason})`, {
    kind: 'environment',
    hint: `They were removed from ${kernelCacheFolder()}. Make sure that the disk is not full, then try again: a run resumes where it saved last.`,
    cause,
  });
}
