/**
 * @file What is said where memory is short: before a run, and when it has run out.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { MemoryProposal, PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import { saysOutOfMemory } from '../device/out-of-memory.ts';
import { proposeFit } from './fit-memory.ts';
import type { PreparedRun } from './prepare-run.ts';
import { memoryOf } from './run-memory.ts';

/** A run that did not fit is to need so much less. */
const LESS = 0.75;
const GENERAL_HINT =
  'Close other programs, or need less: a smaller training.per_device_train_batch_size (with more ' +
  'gradient_accumulation_steps), a shorter data.max_length, or a quantized base model.';

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** `--set a=1 --set b=2` */
export function describeProposal({ settings }: MemoryProposal): string {
  return Object.entries(settings)
    .map(([path, value]) => `--set ${path}=${value}`)
    .join(' ');
}

/** @returns what to tell before a run that will hardly fit; null where it fits */
export function warnOfMemory({ fits, peak_bytes, available_bytes, proposal }: PlannedMemory): string | null {
  if (fits) return null;
  const need = `The run may need ${gigabytes(peak_bytes)} of memory; ${gigabytes(available_bytes)} are free.`;
  if (proposal === null) return `${need} No setting makes it fit: close other programs or choose a smaller model.`;
  return `${need} It would need ${gigabytes(proposal.peak_bytes)} with ${describeProposal(proposal)}`;
}

/** The same error, or, where memory ran out, one that says when and what to change. @param step steps done */
export function explainMemory(error: unknown, run: PreparedRun, planned: PlannedMemory, step: number): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !saysOutOfMemory(error.message)) return error;
  const proposal = proposeFit(memoryOf(run), planned.checkpointing, planned.peak_bytes * LESS);
  const where = step === 0 ? 'before the first step' : `after step ${step}`;
  const change = proposal && `Need less: ${describeProposal(proposal)}`;
  const resume = step > 0 && proposal ? '\nThe same settings go with `tunesmith resume`.' : '';
  return new AppError('memory/exhausted', `Memory ran out (training, ${where})`, {
    kind: 'environment',
    hint: change ? `${change}${resume}` : GENERAL_HINT,
    cause: error,
  });
}
